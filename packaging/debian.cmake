# Debian's packages, one for each component: scripts/package.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME sherry)
set(CPACK_PACKAGE_CONTACT "Sherry's maintainers <noreply@localhost>"
  CACHE STRING "Maintainer of the Debian packages, with an address")
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR}/packages)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_SOURCE_DIR}/finish-debian.cmake)
set(CPACK_COMPONENTS_ALL sherry-compiler sherry-runtime libsherry-dev)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS /usr/lib/llvm-22/lib)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

# The control fields of a package, and its description: a line and a paragraph.
macro(describe_package name section summary text)
  string(TOUPPER ${name} upper)
  set(CPACK_COMPONENT_${upper}_DESCRIPTION "${text}")
  set(CPACK_DEBIAN_${upper}_PACKAGE_NAME ${name})
  set(CPACK_DEBIAN_${upper}_PACKAGE_SECTION ${section})
  set(CPACK_DEBIAN_${upper}_DESCRIPTION "${summary}\n${text}")
endmacro()

describe_package(sherry-compiler devel
  "compiler for ternary language models"
  "sherry-compile turns a Hugging Face folder or a GGUF file into a shared object for one x86-64 CPU. With the tools for its intermediate representation, a plugin for mlir-opt, converters of models, and an example.")
# The compiler calls the linker. dpkg-shlibdeps finds LLVM's library in a folder of
# no package that is needed at run time.
set(CPACK_DEBIAN_SHERRY-COMPILER_PACKAGE_DEPENDS "lld-22, libllvm22")
set(CPACK_DEBIAN_SHERRY-COMPILER_PACKAGE_RECOMMENDS sherry-runtime)
set(CPACK_DEBIAN_SHERRY-COMPILER_PACKAGE_SUGGESTS mlir-22-tools)

describe_package(sherry-runtime misc
  "runs compiled ternary language models"
  "sherry-run generates texts, chats and measures with models of sherry-compile; sherry-bench measures them; libsherry.so is for programs that embed models.")
set(CPACK_DEBIAN_SHERRY-RUNTIME_PACKAGE_SUGGESTS "sherry-compiler, sherry-server")

describe_package(libsherry-dev libdevel
  "libraries of Sherry for development"
  "Headers, static libraries and CMake packages of the runtime, the engine and the tokenizers, and of the compiler, which needs libmlir-22-dev and nlohmann-json3-dev.")
set(CPACK_DEBIAN_LIBSHERRY-DEV_PACKAGE_DEPENDS
  "sherry-runtime (= ${PROJECT_VERSION}-1), libgomp1, libpcre2-dev, zlib1g-dev")
set(CPACK_DEBIAN_LIBSHERRY-DEV_PACKAGE_SUGGESTS
  "libmlir-22-dev, nlohmann-json3-dev")

if(TARGET sherry-serve)
  list(APPEND CPACK_COMPONENTS_ALL sherry-server)
  describe_package(sherry-server net
    "serves compiled ternary language models"
    "sherry-serve answers requests of OpenAI's API and shows a web page to chat. A unit of systemd serves the models in /var/lib/sherry.")
  set(CPACK_DEBIAN_SHERRY-SERVER_PACKAGE_SUGGESTS sherry-compiler)
  set(CPACK_DEBIAN_SHERRY-SERVER_PACKAGE_CONTROL_EXTRA
    ${CMAKE_CURRENT_SOURCE_DIR}/server/postinst
    ${CMAKE_CURRENT_SOURCE_DIR}/server/postrm
    ${CMAKE_CURRENT_SOURCE_DIR}/server/prerm)
endif()

foreach(mpi openmpi mpich)
  if(NOT TARGET sherry-${mpi})
    continue()
  endif()
  list(APPEND CPACK_COMPONENTS_ALL sherry-${mpi})
  describe_package(sherry-${mpi} science
    "runs ternary language models on processes of ${mpi}"
    "A plugin of sherry-run, sherry-serve and sherry-bench for models that are cut among several processes or machines.")
  string(TOUPPER CPACK_DEBIAN_SHERRY-${mpi}_PACKAGE prefix)
  set(${prefix}_DEPENDS "sherry-runtime (= ${PROJECT_VERSION}-1)")
endforeach()
set(CPACK_DEBIAN_SHERRY-OPENMPI_PACKAGE_RECOMMENDS openmpi-bin)
set(CPACK_DEBIAN_SHERRY-MPICH_PACKAGE_RECOMMENDS mpich)

list(APPEND CPACK_COMPONENTS_ALL sherry-train)
describe_package(sherry-train science
  "trains ternary language models"
  "sherry-train-tokenizer learns a vocabulary from texts, and sherry-train, where LibTorch was there when this package was built, a model.")

set(CPACK_DEBIAN_SHERRY-TRAIN_PACKAGE_DEPENDS libllvm22)

# For finish-debian.cmake.
set(CPACK_SHERRY_COPYRIGHT ${CMAKE_CURRENT_SOURCE_DIR}/copyright)
include(CPack)

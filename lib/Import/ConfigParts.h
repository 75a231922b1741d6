//===- ConfigParts.h - Parts of the reader of configurations ----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef SHERRY_LIB_IMPORT_CONFIGPARTS_H
#define SHERRY_LIB_IMPORT_CONFIGPARTS_H

#include "sherry/Import/ModelConfig.h"
#include "sherry/Support/Json.h"

namespace sherry {

/// Refuses fields in which unsupported models differ from those of
/// kArchitectures, unless their value changes nothing. Needs the sizes of
/// `config`.
void refuseOtherModels(FieldReader &reader, const ModelConfig &config);
/// The same for GGUF files; `reader` has their keys without the name of the
/// architecture.
void refuseOtherKeys(FieldReader &reader, const ModelConfig &config);
/// Refuses attention that does not see all of max_position_embeddings. `window`
/// is the window of files without the field; 0: no window.
void refuseWindows(FieldReader &reader, const ModelConfig &config,
                   int64_t window);

/// Reads quantization_config. Needs the sizes of `config`.
void parseQuantization(FieldReader &reader, ModelConfig &config);

/// Finds the modules that `modules_to_not_convert` in `fields` names. Needs the
/// sizes of `config`. Refuses entries that name no module, or only some layers.
void resolveModules(FieldReader &fields, const ModelConfig &config,
                    ModuleSelection &result);
/// Reads the values of a generation_config.json. Values that are not numbers in
/// their range are left out with a note: a model does not need them.
void parseSampling(const FieldReader &reader, llvm::StringRef file,
                   ModelConfig &config);
/// Reads rope_theta and the scaling, in the old spelling (rope_theta beside or
/// in rope_scaling) or the new spelling (both in rope_parameters). `theta` is
/// the default of rope_theta.
void parseRope(FieldReader &reader, double theta, ModelConfig &config);

} // namespace sherry

#endif // SHERRY_LIB_IMPORT_CONFIGPARTS_H

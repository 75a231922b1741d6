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

/// Refuses fields by which other models than those of kArchitectures differ,
/// unless they have a value that changes nothing. Needs the sizes of `config`.
void refuseOtherModels(FieldReader &reader, const ModelConfig &config);
/// The same of GGUF files, whose keys `reader` has without the name of the
/// architecture.
void refuseOtherKeys(FieldReader &reader, const ModelConfig &config);
/// Refuses attention that does not see all of max_position_embeddings.
/// `window` is that of files that do not say one, or 0.
void refuseWindows(FieldReader &reader, const ModelConfig &config,
                   int64_t window);

/// quantization_config; needs the sizes of `config`.
void parseQuantization(FieldReader &reader, ModelConfig &config);

/// Finds what `modules_to_not_convert` in `fields` names; needs the sizes of
/// `config`. Refuses entries that name nothing, or some layers only.
void resolveModules(FieldReader &fields, const ModelConfig &config,
                    ModuleSelection &result);
/// The values of a generation_config.json. What is no number in its range is
/// left out with a note: a model is good without.
void parseSampling(const FieldReader &reader, llvm::StringRef file,
                   ModelConfig &config);
/// rope_theta and the scaling, in the old spelling (rope_theta beside
/// rope_scaling, or in it) or the new one (both in rope_parameters). `theta` is
/// rope_theta where none is given.
void parseRope(FieldReader &reader, double theta, ModelConfig &config);

} // namespace sherry

#endif // SHERRY_LIB_IMPORT_CONFIGPARTS_H

#pragma once

#include <cstdint>

#include "strata/config/run_config.h"
#include "strata/train/run_folder.h"

namespace strata::train {

/// From now on TensorBoard gets what the logs get: of each line the fields that are drawn (written_files.h), in an
/// event file of this process under tb/ of run.dir, which begins with the resolved config. After step 10,000 fewer
/// points of metrics and layers (is_logged). Of an array "layers/weight_norm/03" is the element of layer 3, and with
/// two gates a layer "layers/gate_factor/03_attention" the gate behind its attention.
///
/// kept: the last step whose lines stayed in the logs; -1: none did, so that what lies under tb/ is forgotten too.
void draw_in_tensorboard(RunLogs& logs, const config::RunConfig& config, int64_t kept, bool trains_gates);

}  // namespace strata::train

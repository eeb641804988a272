#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <vector>

#include "strata/base/table.h"
#include "strata/nn/model.h"

namespace strata::tools {

/// Seconds of one run of what is enqueued on the device: the best of a few rounds, each of as many runs behind each
/// other as make the round long enough to be timed.
double seconds_of(const std::function<void()>& run, const at::Device& device);

/// What a copy of more than any cache holds moves, read and written bytes together: the most that a kernel can hope
/// for.
double copied_bytes_per_second(const at::Device& device);

/// Forward and backward of a batch on the CPU, again and again: seconds of each step, sorted, after one to warm up. The
/// model's clock then holds the phases of these steps alone. The device is waited for where a phase begins, so that its
/// time is that of its work; the host is not ahead of the device then, which costs a step some of its speed. update: of
/// each step too, as a phase of its own; empty: none.
std::vector<double> time_steps(nn::Model& model, const data::TokenBatch& batch, int64_t steps,
                               const std::function<void()>& update = {});

/// What `steps` steps that took `seconds` in all spent on each phase, the longest first.
Table phase_table(const PhaseClock& clock, double seconds, int64_t steps);

/// Multiply-adds times two of forward and backward, attention counted causally row by row.
double flops(const config::ModelConfig& dims, const data::TokenRows& rows);

/// "12.3 %"
std::string percent(double part, double whole);

}  // namespace strata::tools

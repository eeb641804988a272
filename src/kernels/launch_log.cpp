// The work of a step as a list: kernels that write down what they were asked for.
#include "strata/kernels/launch_log.h"

#include <ATen/core/Tensor.h>
#include <ATen/record_function.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "device_kernels.h"
#include "strata/base/check.h"
#include "strata/base/parameter.h"
#include "strata/kernels/device.h"
#include "tensor_access.h"

namespace strata::kernels {
namespace {

struct Open {
  std::vector<Launch> launches;
  std::string phase;
};
thread_local std::unique_ptr<Open> open_log;

int64_t size_of(Storage storage) { return storage == Storage::kFp32 ? sizeof(float) : sizeof(Bf16); }

// Once in, once out. What a kernel goes over several times stays in a cache.
class CountedKernels final : public DeviceKernels {
 public:
  void gather_rows(Array out, Array, const int64_t*, int64_t count, int64_t width) const override {
    add("gather", count > 0, moved(2 * count * width, out) + bytes_of<int64_t>(count));
  }
  void scatter_rows(Array out, Array, const int64_t*, int64_t count, int64_t width) const override {
    add("scatter", count > 0, moved(2 * count * width, out) + bytes_of<int64_t>(count));
  }
  // A third of a batch's ids are different ones in C4; the row of each is read and written.
  void embedding_backward(Array grad_table, Array grad, const int64_t*, const int64_t*, int64_t tokens,
                          int64_t width) const override {
    add("embedding, backward", 1,
        moved(tokens * width, grad) + moved(2 * tokens / 3 * width, grad_table) + bytes_of<int64_t>(2 * tokens));
  }

  void rotate(Array rows, int64_t tokens, int64_t, int64_t heads, const Angles& angles, float) const override {
    add("rotary", 1, moved(4 * tokens * heads * angles.half, rows) + bytes_of<int32_t>(tokens));
  }

  void store_rotated_back(const QkvGradientRows<float>& gradients, int64_t tokens) const override {
    count_qkv(gradients, tokens);
  }
  void store_rotated_back(const QkvGradientRows<Bf16>& gradients, int64_t tokens) const override {
    count_qkv(gradients, tokens);
  }

  void qkv_norm(const QkvNormRows<float>& rows, int64_t tokens) const override { count_qkv_norm(rows, tokens); }
  void qkv_norm(const QkvNormRows<Bf16>& rows, int64_t tokens) const override { count_qkv_norm(rows, tokens); }
  void qkv_norm_backward(const QkvNormRows<float>& rows, const QkvGradientRows<float>&, int64_t tokens,
                         const Array* gain_gradients, float*) const override {
    count_qkv_norm_backward(rows, tokens, gain_gradients);
  }
  void qkv_norm_backward(const QkvNormRows<Bf16>& rows, const QkvGradientRows<Bf16>&, int64_t tokens,
                         const Array* gain_gradients, float*) const override {
    count_qkv_norm_backward(rows, tokens, gain_gradients);
  }

  void swiglu(Array out, Array, int64_t rows, int64_t width) const override {
    add("swiglu", 1, moved(3 * rows * width, out));
  }
  void swiglu_backward(Array gate_up, Array, int64_t rows, int64_t width) const override {
    add("swiglu, backward", 1, moved(6 * rows * width, gate_up));
  }

  void cross_entropy(float*, Array logits, int64_t, int64_t rows, int64_t classes, const int64_t*,
                     const double* scale) const override {
    add("cross-entropy", rows > 0, moved((scale == nullptr ? 1 : 2) * rows * classes, logits));
  }

  void update(const ArenaPointers<float, AdamRule::kStates>& arrays, const AdamRule&, bool, const double*,
              const double*) const override {
    count_update("adam", arrays);
  }
  void update(const ArenaPointers<Bf16, AdamRule::kStates>& arrays, const AdamRule&, bool, const double*,
              const double*) const override {
    count_update("adam", arrays);
  }
  void update(const ArenaPointers<float, AdemamixRule::kStates>& arrays, const AdemamixRule&, bool, const double*,
              const double*) const override {
    count_update("ademamix", arrays);
  }
  void update(const ArenaPointers<Bf16, AdemamixRule::kStates>& arrays, const AdemamixRule&, bool, const double*,
              const double*) const override {
    count_update("ademamix", arrays);
  }
  void update(const ArenaPointers<float, LionRule::kStates>& arrays, const LionRule&, bool, const double*,
              const double*) const override {
    count_update("lion", arrays);
  }
  void update(const ArenaPointers<Bf16, LionRule::kStates>& arrays, const LionRule&, bool, const double*,
              const double*) const override {
    count_update("lion", arrays);
  }
  void muon_momentum(Array out, Array, Array m, int64_t, int64_t count, const MomentumNumbers&, bool, const double*,
                     const double*) const override {
    add("muon momentum", passes_over(count, size_of(out.storage)), moved(count, out) + moved(3 * count, m));
  }
  void muon_step(Array value, Array copy, Array orthogonal, int64_t, int64_t count, const StepNumbers&, bool,
                 const double*) const override {
    const double copied = copy.data == nullptr ? 0.0 : bytes_of<Bf16>(count);
    add("muon step", passes_over(count, size_of(value.storage)),
        moved(2 * count, value) + moved(count, orthogonal) + copied);
  }
  void divide_by_norm(Array x, const double*, const DivisorNumbers&, int64_t count) const override {
    add("division by the norm", passes_over(count, size_of(x.storage)), moved(2 * count, x));
  }
  void matrix_polynomial(Array squared, Array gram, const PolynomialNumbers&, int64_t width) const override {
    add("matrix polynomial", width > 0, moved(2 * width * width, squared) + moved(width * width, gram));
  }
  void sums_of_squares(float*, Array flat, const int64_t*, int64_t count) const override {
    add("sums of squares", count > 0, moved(count * kArenaBlock, flat));
  }
  void values_at(float*, Array flat, const int64_t*, int64_t count) const override {
    add("values of gates", count > 0, moved(count, flat) + bytes_of<int64_t>(count));
  }
  void add_sum(double*, const float*, int64_t count, const double*) const override {
    add("sum of losses", 1, bytes_of<float>(count));
  }
  void add_rows(double*, const float*, int64_t count, int64_t columns) const override {
    add("sums of rows", 1, bytes_of<float>(count * columns));
  }
  void sums_of_runs(double*, const float*, const int64_t*, int64_t runs) const override {
    add("sums of parameters", runs > 0, bytes_of<double>(runs));
  }
  void clip(double*, const ClipRule&, const double*, const double*, const bool*, int64_t count) const override {
    add("clip", 1, bytes_of<double>(2 * count));
  }

  void junction_forward(const JunctionForwardRow<float>& first, const JunctionScales& scales,
                        const JunctionShape& shape) const override {
    count_forward(first, scales, shape);
  }
  void junction_forward(const JunctionForwardRow<Bf16>& first, const JunctionScales& scales,
                        const JunctionShape& shape) const override {
    count_forward(first, scales, shape);
  }
  void junction_backward(const JunctionBackwardRow<float>& first, const JunctionScales&, const JunctionShape& shape,
                         const JunctionGradientArrays& gradients) const override {
    count_backward(first, shape, gradients);
  }
  void junction_backward(const JunctionBackwardRow<Bf16>& first, const JunctionScales&, const JunctionShape& shape,
                         const JunctionGradientArrays& gradients) const override {
    count_backward(first, shape, gradients);
  }

  void attention_forward(const AttentionArrays<float>& arrays) const override { count_forward(arrays); }
  void attention_forward(const AttentionArrays<Bf16>& arrays) const override { count_forward(arrays); }
  void attention_backward(const AttentionArrays<float>& arrays, const AttentionGradients<float>&) const override {
    count_backward(arrays);
  }
  void attention_backward(const AttentionArrays<Bf16>& arrays, const AttentionGradients<Bf16>&) const override {
    count_backward(arrays);
  }

 private:
  template <class T>
  static double bytes_of(int64_t count) {
    return static_cast<double>(count) * sizeof(T);
  }
  static double moved(int64_t count, const Array& like) {
    return static_cast<double>(count) * static_cast<double>(size_of(like.storage));
  }
  static void add(const char* kernel, int64_t launches, double bytes, double flops = 0.0) {
    if (launches > 0) log_launch({.kernel = kernel, .launches = launches, .bytes = bytes, .flops = flops});
  }

  template <class T>
  static bool is_in_place(const QkvGradientRows<T>& gradients) {
    return gradients.part[0].from == gradients.rows;
  }
  // Where gradients stand in place, those of values stay as they are.
  template <class T>
  static void count_qkv(const QkvGradientRows<T>& gradients, int64_t tokens) {
    int64_t heads = 0;
    for (const auto& part : gradients.part) heads += part.heads;
    if (is_in_place(gradients)) heads -= gradients.part[kQkvParts - 1].heads;
    add("gradients of q k v, rotated back", 1, bytes_of<T>(4 * tokens * heads * gradients.angles.half));
  }

  // Of a token: what is normed, and what is only rotated or copied.
  template <class T>
  static std::pair<int64_t, int64_t> widths(const QkvNormRows<T>& rows) {
    std::pair<int64_t, int64_t> widths;
    for (int part = 0; part < rows.parts; ++part) {
      (rows.part[part].gain != nullptr ? widths.first : widths.second) +=
          rows.part[part].groups * rows.part[part].width;
    }
    return widths;
  }
  template <class T>
  static void count_qkv_norm(const QkvNormRows<T>& rows, int64_t tokens) {
    const auto [normed, rotated] = widths(rows);
    add("norms of q k v, rotary", 1, bytes_of<T>(((rows.raw == nullptr ? 2 : 3) * normed + 2 * rotated) * tokens));
  }
  template <class T>
  static void count_qkv_norm_backward(const QkvNormRows<T>& rows, int64_t tokens, const Array* gain_gradients) {
    const auto [normed, moved] = widths(rows);
    const int64_t sums = qkv_chunks(tokens) * rows.sums_size;
    add("norms of q k v, backward", 1, bytes_of<T>((3 * normed + 2 * moved) * tokens) + bytes_of<float>(sums));
    const bool wanted =
        std::any_of(gain_gradients, gain_gradients + kQkvParts, [](const Array& a) { return a.data != nullptr; });
    add("gradients of gains and gate", wanted ? 1 : 0, bytes_of<float>(sums));
  }

  // What vectors can move, and then the rest.
  static int64_t passes_over(int64_t count, int64_t bytes_of_element) {
    const int64_t rest = count % (16 / bytes_of_element);
    return (count > rest) + (rest > 0);
  }

  // Gradients are read; values and states are read and written.
  template <class T, int kStates>
  static void count_update(const char* kernel, const ArenaPointers<T, kStates>& arrays) {
    const double copied = arrays.copy == nullptr ? 0.0 : bytes_of<Bf16>(arrays.count);
    add(kernel, passes_over(arrays.count, sizeof(T)), bytes_of<T>((3 + 2 * kStates) * arrays.count) + copied);
  }

  template <class T>
  static void count_forward(const JunctionForwardRow<T>& first, const JunctionScales& scales,
                            const JunctionShape& shape) {
    std::set<const T*> read{first.stream}, written{first.sum, first.stream_out, first.normed};
    if (scales.branch != 0.0F) read.insert(first.branch);
    written.erase(nullptr);
    add("junction", 1,
        bytes_of<T>(shape.rows * first.width * static_cast<int64_t>(read.size() + written.size())) +
            bytes_of<float>(4 * shape.rows));
  }

  // grad_stream is read and written, grad_branch written; whatever else there is, is read.
  template <class T>
  static void count_backward(const JunctionBackwardRow<T>& first, const JunctionShape& shape,
                             const JunctionGradientArrays& gradients) {
    const bool reads_branch = shape.branch_norm || first.gate == Gate::kBranch;
    const bool reads_sum = first.next_norm.kind != Norm::kNone || shape.out_norm || first.gate == Gate::kSum;
    const int64_t arrays = 3 + (first.grad_normed != nullptr) + reads_sum + reads_branch + (first.gate == Gate::kSkip);
    const int64_t sums = junction_chunks(shape.rows) * junction_sums_size(first.width, shape.only_rms);
    add("junction, backward", 1, bytes_of<T>(shape.rows * first.width * arrays) + bytes_of<float>(sums));
    int64_t columns = 0;
    for (const JunctionSum& sum : wanted_sums(gradients, first.width, shape.only_rms)) {
      columns += sum.kind == JunctionSum::Kind::kRow ? first.width : 1;
    }
    add("gradients of gains and gate", columns > 0, bytes_of<float>(junction_chunks(shape.rows) * columns));
  }

  template <class T>
  static double score_flops(const AttentionArrays<T>& a) {
    return causal_flops(a.tokens, a.longest_row, a.heads, a.head_dim);
  }
  template <class T>
  static void count_forward(const AttentionArrays<T>& a) {
    add("attention", 1, bytes_of<T>(a.tokens * (2 * a.heads + 2 * a.kv_heads) * a.head_dim), score_flops(a));
  }
  template <class T>
  static void count_backward(const AttentionArrays<T>& a) {
    add("attention, backward", 4, bytes_of<T>(a.tokens * (5 * a.heads + 4 * a.kv_heads) * a.head_dim),
        3.5 * score_flops(a));  // two kernels compute the scores again
  }
};

class CountedGemm final : public Gemm {
 public:
  std::string name() const override { return "cublas"; }
  void multiply(const at::Tensor& out_MN, const at::Tensor& a_MK, const at::Tensor& b_KN, bool add) const override {
    const double bytes =
        static_cast<double>(a_MK.nbytes() + b_KN.nbytes()) + static_cast<double>(out_MN.nbytes()) * (add ? 2.0 : 1.0);
    const int64_t m = out_MN.size(0), n = out_MN.size(1), k = a_MK.size(1);
    log_launch({.kernel = "gemm",
                .bytes = bytes,
                .flops = 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k),
                .m = m,
                .n = n,
                .k = k});
  }
};

// How often the bytes of an operation's result move; nothing for what launches no kernel.
std::optional<double> passes_of(std::string_view name) {
  if (name == "aten::zero_" || name == "aten::fill_") return 1.0;
  if (name == "aten::copy_") return 2.0;
  if (name == "aten::add_" || name == "aten::mul_") return 3.0;
  return std::nullopt;
}

constexpr std::string_view kLaunchNothing[] = {"aten::narrow",  "aten::slice",  "aten::view",       "aten::select",
                                               "aten::empty",   "aten::t",      "aten::transpose",  "aten::as_strided",
                                               "aten::detach",  "aten::alias",  "aten::empty_like", "aten::contiguous",
                                               "aten::reshape", "aten::detach_"};

thread_local int depth = 0;

std::unique_ptr<at::ObserverContext> begin_operation(const at::RecordFunction&) {
  ++depth;
  return nullptr;
}

// Operations that others are made of are not launched beside them.
void end_operation(const at::RecordFunction& operation, at::ObserverContext*) {
  if (--depth > 0) return;
  const std::string_view name = operation.name();
  if (std::ranges::find(kLaunchNothing, name) != std::end(kLaunchNothing)) return;
  double bytes = 0.0;
  if (!operation.outputs().empty() && operation.outputs()[0].isTensor()) {
    const at::Tensor& result = operation.outputs()[0].toTensor();
    if (!result.is_meta() || result.numel() == 0) return;
    bytes = passes_of(name).value_or(0.0) * static_cast<double>(result.nbytes());
  }
  log_launch({.kernel = std::string(name.substr(name.find("::") + 2)), .bytes = bytes});
}

}  // namespace

void log_launch(const Launch& launch) {
  if (!open_log) return;
  open_log->launches.push_back(launch);
  open_log->launches.back().phase = open_log->phase;
}

LaunchLog::LaunchLog() : gemm_(std::make_unique<CountedGemm>()) {
  STRATA_ASSERT(!open_log);
  open_log = std::make_unique<Open>();
  use_device_kernels(at::kMeta, std::make_shared<CountedKernels>());
  depth = 0;
  callback_ = at::addThreadLocalCallback(at::RecordFunctionCallback(begin_operation, end_operation)
                                             .needsOutputs(true)
                                             .scopes({at::RecordScope::FUNCTION}));
}

LaunchLog::~LaunchLog() {
  at::removeCallback(callback_);
  use_device_kernels(at::kMeta, nullptr);
  open_log.reset();
}

void LaunchLog::follow(PhaseClock& clock) {
  clock.observe([](const char* phase) {
    if (open_log) open_log->phase = phase == nullptr ? "" : phase;
  });
}

std::vector<Launch> LaunchLog::take() { return std::exchange(open_log->launches, {}); }

}  // namespace strata::kernels

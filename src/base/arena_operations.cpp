#include "strata/base/arena_operations.h"

#include "strata/base/check.h"
#include "strata/base/threads.h"

namespace strata {
namespace {

// f(piece of each) for pieces that make up the tensors.
template <class F, class... Tensors>
void by_pieces(const F& f, const at::Tensor& first, const Tensors&... others) {
  constexpr int64_t kPiece = 1 << 16;  // elements: smaller ones are not worth a thread's start
  const bool on_host = first.is_cpu() && (others.is_cpu() && ...);
  if (!on_host || first.numel() <= kPiece) return f(first, others...);
  STRATA_ASSERT(first.is_contiguous() && (others.is_contiguous() && ...));
  parallel_ranges(first.numel(), kPiece, [&](int64_t begin, int64_t end) {
    const auto piece = [&](const at::Tensor& all) { return all.view(-1).narrow(0, begin, end - begin); };
    f(piece(first), piece(others)...);
  });
}

}  // namespace

at::Tensor zero_arena(const at::Tensor& all) {
  by_pieces([](const at::Tensor& piece) { piece.zero_(); }, all);
  return all;
}

void copy_arena(const at::Tensor& to, const at::Tensor& from) {
  by_pieces([](const at::Tensor& piece, const at::Tensor& other) { piece.copy_(other); }, to, from);
}

void add_to_arena(const at::Tensor& sum, const at::Tensor& added) {
  by_pieces([](const at::Tensor& piece, const at::Tensor& other) { piece.add_(other); }, sum, added);
}

}  // namespace strata

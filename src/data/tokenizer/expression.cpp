#define PCRE2_CODE_UNIT_WIDTH 8
#include "data/tokenizer/expression.h"

#include <pcre2.h>

#include <array>

#include "strata/base/check.h"

namespace strata::data {
namespace {

std::string said_by_pcre2(int code) {
  std::array<PCRE2_UCHAR, 256> text{};
  pcre2_get_error_message(code, text.data(), text.size());
  return reinterpret_cast<const char*>(text.data());
}

template <class Free>
pcre2_code* code_of(const std::unique_ptr<void, Free>& code) {
  return static_cast<pcre2_code*>(code.get());
}

// Rows of 100,000 marks need more than the 32 KiB that PCRE2 has by default; the pages are taken when they are used.
pcre2_match_context* shared_context() {
  static pcre2_match_context* const context = [] {
    constexpr size_t kFirst = size_t{32} << 10, kMost = size_t{64} << 20;
    pcre2_match_context* made = pcre2_match_context_create(nullptr);
    pcre2_jit_stack_assign(
        made,
        [](void*) {
          thread_local const std::unique_ptr<pcre2_jit_stack, void (*)(pcre2_jit_stack*)> stack(
              pcre2_jit_stack_create(kFirst, kMost, nullptr), pcre2_jit_stack_free);
          return stack.get();
        },
        nullptr);
    return made;
  }();
  return context;
}

}  // namespace

void Expression::Free::operator()(void* code) const { pcre2_code_free(static_cast<pcre2_code*>(code)); }
void Expression::Scratch::Free::operator()(void* data) const {
  pcre2_match_data_free(static_cast<pcre2_match_data*>(data));
}

Expression::Scratch::Scratch() : match_data_(pcre2_match_data_create(1, nullptr)) {}

Expression::Expression(std::string_view expression, const std::string& place) : place_(place) {
  const std::string text = translated(expression, place);
  int error = 0;
  PCRE2_SIZE offset = 0;
  code_.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), PCRE2_UTF | PCRE2_UCP, &error,
                            &offset, nullptr));
  STRATA_CHECK(code_, place, ": the expression ", expression, " is broken: ", said_by_pcre2(error));
  uint32_t matches_empty = 0;
  pcre2_pattern_info(code_of(code_), PCRE2_INFO_MATCHEMPTY, &matches_empty);
  STRATA_CHECK(matches_empty == 0, place, ": the expression ", expression, " matches the empty text");
  pcre2_jit_compile(code_of(code_), PCRE2_JIT_COMPLETE);  // where that is not to be had, it is interpreted
}

bool Expression::find(std::string_view text, size_t from, Match& match, Scratch& scratch) const {
  auto* data = static_cast<pcre2_match_data*>(scratch.match_data_.get());
  const int found = pcre2_match(code_of(code_), reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), from,
                                PCRE2_NO_UTF_CHECK, data, shared_context());
  if (found == PCRE2_ERROR_NOMATCH) return false;
  STRATA_CHECK(found >= 0, place_, ": cannot be matched with a text of ", text.size(),
               " bytes: ", said_by_pcre2(found));
  const PCRE2_SIZE* const ends = pcre2_get_ovector_pointer(data);
  match = {.begin = ends[0], .end = ends[1]};
  return true;
}

}  // namespace strata::data

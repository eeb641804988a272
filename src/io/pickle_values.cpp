#include "io/pickle_values.h"

#include <cstring>
#include <map>

#include "strata/base/check.h"

namespace strata::io {
namespace {

using Kind = PickleValue::Kind;

constexpr size_t kMostValues = 1 << 22;  // on the stack and in the memo: far more than any model has

class Machine {
 public:
  Machine(std::string_view pickle, const std::string& where, PickleArena& arena)
      : rest_(pickle), where_(where), arena_(arena) {}

  PickleRef run() {
    while (true) {
      const auto code = static_cast<unsigned char>(take(1).front());
      if (code == '.') return pop();
      if (!push_value(code) && !build(code) && !remember(code)) refuse(code);
      STRATA_CHECK(arena_.size() + stack_.size() + memo_.size() < kMostValues, where_,
                   ": the pickle has too many values");
    }
  }

 private:
  [[noreturn]] void refuse(unsigned char code) const {
    throw Error(str(where_, ": the pickle has the instruction ", static_cast<int>(code),
                    ", which no state dict of tensors needs; nothing of it was run"));
  }

  std::string_view take(size_t count) {
    STRATA_CHECK(count <= rest_.size(), where_, ": the pickle is truncated");
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }

  std::string line() {
    const size_t end = rest_.find('\n');
    STRATA_CHECK(end != std::string_view::npos, where_, ": the pickle is truncated");
    const std::string text(take(end));
    take(1);
    return text;
  }

  // Little-endian; of fewer than 8 bytes unsigned unless `is_signed`.
  int64_t integer(size_t bytes, bool is_signed = false) {
    STRATA_CHECK(bytes <= sizeof(int64_t), where_, ": the pickle has a number of ", bytes, " bytes");
    uint64_t value = 0;
    const std::string_view digits = take(bytes);
    for (size_t i = bytes; i-- > 0;) value = value << 8 | static_cast<unsigned char>(digits[i]);
    const unsigned unused = 64 - 8 * static_cast<unsigned>(bytes);
    if (!is_signed || bytes == 0) return static_cast<int64_t>(value);
    return static_cast<int64_t>(value << unused) >> unused;
  }

  void push(PickleValue value) { stack_.push_back(&arena_.emplace_back(std::move(value))); }

  PickleRef pop() {
    STRATA_CHECK(!stack_.empty() && stack_.size() > floor(), where_, ": the pickle takes what is not there");
    PickleRef top = stack_.back();
    stack_.pop_back();
    return top;
  }

  PickleValue& top(Kind kind) {
    STRATA_CHECK(stack_.size() > floor() && stack_.back()->kind == kind, where_,
                 ": the pickle adds to what is no list or dict");
    return *stack_.back();
  }

  size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }

  std::vector<PickleRef> pop_to_mark() {
    STRATA_CHECK(!marks_.empty(), where_, ": the pickle takes what is not there");
    const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<PickleRef> items(first, stack_.end());
    stack_.erase(first, stack_.end());
    marks_.pop_back();
    return items;
  }

  void push_tuple(size_t count) {
    PickleValue tuple{.kind = Kind::kTuple};
    tuple.items.resize(count);
    for (size_t i = count; i-- > 0;) tuple.items[i] = pop();
    push(std::move(tuple));
  }

  void set_items(const std::vector<PickleRef>& items) {
    PickleValue& dict = top(Kind::kDict);
    STRATA_CHECK(items.size() % 2 == 0, where_, ": the pickle has a key without a value");
    for (size_t i = 0; i < items.size(); i += 2) dict.entries.emplace_back(items[i], items[i + 1]);
  }

  void append(const std::vector<PickleRef>& items) {
    PickleValue& list = top(Kind::kList);
    list.items.insert(list.items.end(), items.begin(), items.end());
  }

  void push_number(int64_t value) { push({.kind = Kind::kNumber, .number = value}); }

  bool push_value(unsigned char code) {
    switch (code) {
      case 0x80:  // PROTO
        take(1);
        return true;
      case 'N':
        push({});
        return true;
      case 0x88:  // NEWTRUE
      case 0x89:  // NEWFALSE
        push({.kind = Kind::kBool, .number = code == 0x88});
        return true;
      case 'K':  // BININT1
      case 'M':  // BININT2
        push_number(integer(code == 'K' ? 1 : 2));
        return true;
      case 'J':  // BININT
        push_number(integer(4, true));
        return true;
      case 0x8a:  // LONG1
        push_number(integer(static_cast<size_t>(integer(1)), true));
        return true;
      case 'G':  // BINFLOAT: of the metadata beside the tensors, nothing that is read
        take(8);
        push({.kind = Kind::kReal});
        return true;
      case 'X':  // BINUNICODE
        push({.kind = Kind::kText, .text = std::string(take(static_cast<size_t>(integer(4))))});
        return true;
      case 'c': {  // GLOBAL
        const std::string module = line();
        push({.kind = Kind::kGlobal, .text = module + " " + line()});
        return true;
      }
      default:
        return false;
    }
  }

  bool build(unsigned char code) {
    switch (code) {
      case '(':  // MARK
        marks_.push_back(stack_.size());
        return true;
      case ')':  // EMPTY_TUPLE
      case 0x85:
      case 0x86:
      case 0x87:  // TUPLE1, 2, 3
        push_tuple(code == ')' ? 0 : code - 0x84U);
        return true;
      case 't': {  // TUPLE
        std::vector<PickleRef> items = pop_to_mark();
        push({.kind = Kind::kTuple, .items = std::move(items)});
        return true;
      }
      case ']':
        push({.kind = Kind::kList});
        return true;
      case '}':
        push({.kind = Kind::kDict});
        return true;
      case 'a':  // APPEND
        append({pop()});
        return true;
      case 'e':  // APPENDS
        append(pop_to_mark());
        return true;
      case 's': {  // SETITEM
        PickleValue *value = pop(), *key = pop();
        set_items({key, value});
        return true;
      }
      case 'u':  // SETITEMS
        set_items(pop_to_mark());
        return true;
      default:
        return call(code);
    }
  }

  bool call(unsigned char code) {
    switch (code) {
      case 'R': {  // REDUCE
        const PickleValue &arguments = *pop(), &global = *pop();
        push(call_global(global, arguments, where_));
        return true;
      }
      case 'Q':  // BINPERSID
        push(storage_of(*pop(), where_));
        return true;
      case 'b':  // BUILD: a state dict's attribute _metadata
        pop();
        top(Kind::kDict);
        return true;
      default:
        return false;
    }
  }

  bool remember(unsigned char code) {
    switch (code) {
      case 'q':  // BINPUT
      case 'r':  // LONG_BINPUT
        STRATA_CHECK(stack_.size() > floor(), where_, ": the pickle takes what is not there");
        memo_[integer(code == 'q' ? 1 : 4)] = stack_.back();
        return true;
      case 'h':    // BINGET
      case 'j': {  // LONG_BINGET
        const auto found = memo_.find(integer(code == 'h' ? 1 : 4));
        STRATA_CHECK(found != memo_.end(), where_, ": the pickle takes what is not there");
        stack_.push_back(found->second);
        return true;
      }
      default:
        return false;
    }
  }

  std::string_view rest_;
  const std::string& where_;
  PickleArena& arena_;
  std::vector<PickleRef> stack_;
  std::vector<size_t> marks_;
  std::map<int64_t, PickleRef> memo_;
};

}  // namespace

PickleRef run_pickle(std::string_view pickle, const std::string& where, PickleArena& arena) {
  return Machine(pickle, where, arena).run();
}

}  // namespace strata::io

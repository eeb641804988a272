#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace strata::test {

/// Puts a pickle of protocol 2 together, instruction by instruction, as torch.save has them.
class Pickle {
 public:
  Pickle& raw(std::string_view instructions);
  Pickle& text(std::string_view value);
  Pickle& number(int64_t value);
  Pickle& global(const std::string& module, const std::string& name);
  Pickle& tuple(const std::vector<int64_t>& numbers);
  Pickle& tuple(int count);  // of what was put last, at most 3
  Pickle& call() { return raw("R"); }
  /// An OrderedDict that keys and values follow.
  Pickle& begin_dict();
  Pickle& end_dict() { return raw("u"); }
  Pickle& tensor(const std::string& storage_type, const std::string& key, int64_t storage_size, int64_t offset,
                 const std::vector<int64_t>& shape, const std::vector<int64_t>& strides);

  std::string bytes() const { return "\x80\x02" + instructions_ + "."; }

 private:
  std::string instructions_;
};

}  // namespace strata::test

#include "strata/train/checkpoint/optimizer_files.h"

#include <ATen/ops/cat.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <string_view>

#include "strata/base/check.h"
#include "strata/base/text.h"

namespace strata::train {
namespace {

// A copy that load_states will make.
struct Copy {
  at::Tensor to;
  at::Tensor from;
  size_t file;
};

// f(place, element) for elements of the parameter that lie side by side in the arena and in `range`, rising: where, and
// which is the first. A matrix with padded rows has a piece for each.
template <class F>
void each_line(const ParamSpec& param, const ArenaRange& range, const F& f) {
  const bool has_padded_rows = !param.padded.empty() && param.padded[1] != param.shape[1];
  const int64_t length = has_padded_rows ? param.shape[1] : param.count();
  const int64_t apart = has_padded_rows ? param.padded[1] : length;
  for (int64_t element = 0, begin = param.offset; element < param.count(); element += length, begin += apart) {
    const ArenaRange part = common({begin, begin + length}, range);
    if (part.begin < part.end) f(part, element + part.begin - begin);
  }
}

// "m.<parameter>[begin:end]"
struct PieceName {
  std::string state;
  std::string param;
  std::optional<ArenaRange> elements;
};

std::optional<int64_t> number_in(std::string_view text) {
  int64_t number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failure != std::errc{} || end != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

// "begin:end"
std::optional<ArenaRange> range_in(std::string_view text) {
  const size_t colon = std::min(text.find(':'), text.size());
  const auto begin = number_in(text.substr(0, colon));
  const auto end = number_in(text.substr(std::min(colon + 1, text.size())));
  if (!begin || !end || *begin > *end) return std::nullopt;
  return ArenaRange{*begin, *end};
}

std::optional<PieceName> parse(std::string_view name) {
  const size_t dot = name.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  PieceName piece{
      .state = std::string(name.substr(0, dot)), .param = std::string(name.substr(dot + 1)), .elements = {}};
  const size_t bracket = piece.param.rfind('[');
  if (bracket == std::string::npos || !piece.param.ends_with(']')) return piece;
  piece.elements = range_in(std::string_view(piece.param).substr(bracket + 1, piece.param.size() - bracket - 2));
  piece.param.resize(bracket);
  return piece.elements ? std::optional(piece) : std::nullopt;
}

// Gathers what there is to copy, and how much of every state it fills.
class StateLoader {
 public:
  explicit StateLoader(const OptimizerStates& states) : states_(states) {
    for (const ParamSpec& param : states.params) params_[param.name] = &param;
    for (size_t index = 0; index < states.states.size(); ++index) index_of_[states.states[index].name] = index;
  }

  void add(const std::filesystem::path& path) {
    const io::SafetensorsFile& file = files_.emplace_back(io::SafetensorsFile::open(path));
    for (const std::string& name : file.names()) {
      const auto piece = parse(name);
      STRATA_CHECK(piece && params_.contains(piece->param), path.string(), ": ", name,
                   " does not belong to this run's optimizer and model");
      STRATA_CHECK(is_known(*piece), path.string(), ": ", name,
                   " is a state that this run's optimizer does not have: another optimizer.kind saved it");
      add_piece(*piece, file.tensor(name), str(path.string(), ": ", name));
    }
  }

  void copy_all(const std::filesystem::path& folder) {
    for (const auto& [name, index] : index_of_) {
      for (const ParamSpec& param : states_.params) {
        if (optim::has_state(param, states_.states[index])) check_complete(folder, name, param);
      }
    }
    for (const Copy& copy : copies_) {
      copy.to.copy_(copy.from);
      files_[copy.file].release_pages();
    }
  }

 private:
  bool is_known(const PieceName& piece) const {
    const auto index = index_of_.find(piece.state);
    return index != index_of_.end() && optim::has_state(*params_.at(piece.param), states_.states[index->second]);
  }

  void add_piece(const PieceName& piece, const at::Tensor& values, const std::string& where) {
    const ParamSpec& param = *params_.at(piece.param);
    const ArenaRange elements = piece.elements.value_or(ArenaRange{0, param.count()});
    const size_t index = index_of_.at(piece.state);
    const at::ScalarType dtype = states_.states[index].values.scalar_type();
    const std::vector<int64_t> shape = piece.elements ? std::vector<int64_t>{elements.size()} : param.shape;
    STRATA_CHECK(elements.end <= param.count() && values.sizes() == shape && values.scalar_type() == dtype, where,
                 " is ", values.scalar_type(), " ", values.sizes(), ", this run needs ", dtype, " ",
                 at::IntArrayRef(shape), " of ", at::IntArrayRef(param.shape));
    saved_[{piece.state, piece.param}].push_back(elements);
    for (const ArenaRange& mine : ranges_of(states_, index)) {
      each_line(param, mine, [&](const ArenaRange& place, int64_t first) {
        const ArenaRange part = common({first, first + place.size()}, elements);
        if (part.begin >= part.end) return;
        const int64_t begin = place.begin + part.begin - first;
        copies_.push_back({state_at(states_, index, {begin, begin + part.size()}),
                           values.flatten().narrow(0, part.begin - elements.begin, part.size()), files_.size() - 1});
      });
    }
  }

  // Every element once.
  void check_complete(const std::filesystem::path& folder, const std::string& state, const ParamSpec& param) {
    std::vector<ArenaRange>& pieces = saved_[{state, param.name}];
    STRATA_CHECK(!pieces.empty(), folder.string(), ": the optimizer files have no ", state, ".", param.name,
                 ": another optimizer.kind saved them, or some are missing");
    std::ranges::sort(pieces, {}, &ArenaRange::begin);
    int64_t end = 0;
    for (const ArenaRange& piece : pieces) {
      STRATA_CHECK(piece.begin == end, folder.string(), ": the optimizer files do not have every element of ", state,
                   ".", param.name, " once");
      end = piece.end;
    }
    STRATA_CHECK(end == param.count(), folder.string(), ": the optimizer files do not have all of ", state, ".",
                 param.name);
  }

  const OptimizerStates& states_;
  std::map<std::string, const ParamSpec*> params_;
  std::map<std::string, size_t> index_of_;
  std::map<std::pair<std::string, std::string>, std::vector<ArenaRange>> saved_;
  std::vector<io::SafetensorsFile> files_;
  std::vector<Copy> copies_;
};

}  // namespace

OptimizerStates states_of(const optim::Optimizer& optimizer) {
  return {.params = optimizer.params(), .ranges = optimizer.ranges(), .states = optimizer.states()};
}

const std::vector<ArenaRange>& ranges_of(const OptimizerStates& states, size_t index) {
  const auto& own = states.states[index].ranges;
  return own ? *own : states.ranges;
}

at::Tensor state_at(const OptimizerStates& states, size_t index, const ArenaRange& range) {
  at::Tensor values;
  each_part(ranges_of(states, index), range, [&](const ArenaRange& part, int64_t place) {
    if (part == range) values = states.states[index].values.narrow(0, place, range.size());
  });
  STRATA_CHECK(values.defined(), "no state holds elements ", range.begin, " to ", range.end);
  return values;
}

std::string optimizer_file(int rank, int world_size) {
  return str("optimizer-", rank + 1, "-of-", world_size, ".safetensors");
}

io::NamedTensors named_states(const OptimizerStates& states, const std::vector<ArenaRange>& ranges) {
  io::NamedTensors named;
  for (size_t index = 0; index < states.states.size(); ++index) {
    for (const ParamSpec& param : states.params) {
      if (!optim::has_state(param, states.states[index])) continue;
      const std::string name = states.states[index].name + "." + param.name;
      for (const ArenaRange& range : ranges) {
        std::vector<at::Tensor> lines;
        ArenaRange elements;
        each_line(param, range, [&](const ArenaRange& place, int64_t first) {
          if (lines.empty()) elements.begin = first;
          elements.end = first + place.size();
          lines.push_back(state_at(states, index, place));
        });
        if (lines.empty()) continue;
        const at::Tensor values = lines.size() == 1 ? lines.front() : at::cat(lines);
        if (elements.size() == param.count()) {
          named.emplace_back(name, values.view(param.shape));
        } else {
          named.emplace_back(str(name, "[", elements.begin, ":", elements.end, "]"), values);
        }
      }
    }
  }
  return named;
}

std::vector<std::string> optimizer_files_in(const std::vector<std::string>& names) {
  const auto count = std::ranges::count_if(names, [](const auto& name) { return name.starts_with("optimizer-"); });
  std::vector<std::string> files;
  for (int rank = 0; rank < static_cast<int>(count); ++rank) {
    files.push_back(optimizer_file(rank, static_cast<int>(count)));
    if (std::ranges::find(names, files.back()) == names.end()) return {};
  }
  return files;
}

void load_states(const std::filesystem::path& folder, const std::vector<std::string>& files,
                 const OptimizerStates& states) {
  StateLoader loader(states);
  for (const std::string& file : files) loader.add(folder / file);
  loader.copy_all(folder);
}

}  // namespace strata::train

#include "strata/workers/introduction.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "strata/base/check.h"
#include "strata/base/log.h"
#include "strata/base/table.h"
#include "strata/base/text.h"
#include "strata/io/json.h"

namespace strata::workers {
namespace {

using Clock = std::chrono::steady_clock;
using nlohmann::json;
using Introductions = std::vector<Introduction>;

std::string introduction_key_of(int rank) { return str("introduction/", rank); }

std::vector<std::string> ranges(const std::vector<int>& ranks) {
  std::vector<std::string> parts;
  for (size_t begin = 0; begin < ranks.size();) {
    size_t end = begin + 1;
    while (end < ranks.size() && ranks[end] == ranks[end - 1] + 1) ++end;
    if (end - begin > 2) {
      parts.push_back(str(ranks[begin], "-", ranks[end - 1]));
    } else {
      for (size_t i = begin; i < end; ++i) parts.push_back(str(ranks[i]));
    }
    begin = end;
  }
  return parts;
}

std::string value_of(const Introduction& introduction, const std::string& label) {
  for (const auto& [name, value] : introduction.must_agree) {
    if (name == label) return value;
  }
  return "-";
}

std::vector<std::string> labels_of(const Introductions& all) {
  std::vector<std::string> labels;
  for (const Introduction& one : all) {
    for (const auto& [label, value] : one.must_agree) {
      if (std::find(labels.begin(), labels.end(), label) == labels.end()) labels.push_back(label);
    }
  }
  return labels;
}

struct Difference {
  std::string label;
  std::vector<int> ranks;  // that do not have rank 0's value
};

std::vector<Difference> differences(const Introductions& all) {
  std::vector<Difference> found;
  for (const std::string& label : labels_of(all)) {
    Difference difference{label, {}};
    for (size_t rank = 1; rank < all.size(); ++rank) {
      if (value_of(all[rank], label) != value_of(all[0], label)) difference.ranks.push_back(static_cast<int>(rank));
    }
    if (!difference.ranks.empty()) found.push_back(std::move(difference));
  }
  return found;
}

std::string hosts_of(const Introductions& all, const std::vector<int>& ranks) {
  std::vector<std::string> hosts;
  for (const int rank : ranks) {
    const std::string& host = all[static_cast<size_t>(rank)].host;
    if (std::find(hosts.begin(), hosts.end(), host) == hosts.end()) hosts.push_back(host);
  }
  if (hosts.size() > 2) return str(hosts[0], " and ", hosts.size() - 1, " more");
  return join(hosts, ", ");
}

// One line for all ranks that have the same values.
std::string table_of(const Introductions& all, const std::vector<Difference>& different) {
  std::vector<Table::Column> columns = {{"rank"}, {"host"}};
  for (const Difference& difference : different) columns.push_back({difference.label});
  std::vector<std::pair<std::vector<std::string>, std::vector<int>>> groups;
  for (size_t rank = 0; rank < all.size(); ++rank) {
    std::vector<std::string> values;
    for (const Difference& difference : different) values.push_back(value_of(all[rank], difference.label));
    auto group = std::find_if(groups.begin(), groups.end(), [&](const auto& one) { return one.first == values; });
    if (group == groups.end()) group = groups.insert(groups.end(), {values, {}});
    group->second.push_back(static_cast<int>(rank));
  }
  Table table(columns);
  for (const auto& [values, ranks] : groups) {
    std::vector<std::string> cells = {list_ranks(ranks), hosts_of(all, ranks)};
    cells.insert(cells.end(), values.begin(), values.end());
    table.add(std::move(cells));
  }
  std::string text = table.text("  ");
  text.pop_back();  // the log ends the line
  return text;
}

std::string sentence_of(const std::vector<Difference>& different) {
  std::vector<std::string> parts;
  for (const Difference& difference : different) {
    parts.push_back(str(difference.label, " on ", name_ranks(difference.ranks)));
  }
  return "the workers do not agree: other than on rank 0 is " + join(parts, "; ");
}

// Empty: every worker has its own GPU, or none.
std::string sentence_of_shared_gpus(const Introductions& all) {
  std::map<std::string, std::vector<int>> ranks_by_gpu;
  for (size_t rank = 0; rank < all.size(); ++rank) {
    if (!all[rank].gpu.empty()) ranks_by_gpu[all[rank].gpu].push_back(static_cast<int>(rank));
  }
  std::vector<std::string> parts;
  for (const auto& [gpu, ranks] : ranks_by_gpu) {
    if (ranks.size() > 1) parts.push_back(str(name_ranks(ranks), " have the same GPU of ", hosts_of(all, ranks)));
  }
  if (parts.empty()) return {};
  return join(parts, "; ") + ": a worker needs one of its own (CUDA_VISIBLE_DEVICES, srun --gpus-per-task=1)";
}

class Meeting {
 public:
  Meeting(const Store& store, const Worker& worker, Store::Seconds timeout)
      : store_(store), worker_(worker), timeout_(timeout), end_(Clock::now() + timeout) {}

  Introductions hear_all() const {
    const log::Wait wait(str("all of the ", worker_.world_size, " workers that WORLD_SIZE or SLURM_NTASKS speaks of"));
    Introductions all;
    std::vector<int> missing;
    for (int rank = 0; rank < worker_.world_size; ++rank) {
      const auto text =
          store_.wait_for(introduction_key_of(rank), std::max<Store::Seconds>(end_ - Clock::now(), Store::Seconds(0)));
      if (text.has_value()) {
        all.push_back(introduction_of_json(*text, str("what rank ", rank, " says of itself")));
      } else {
        missing.push_back(rank);
      }
    }
    STRATA_CHECK(missing.empty(), name_ranks(missing), " of ", worker_.world_size, " did not come within ",
                 timeout_.count(), " s");
    return all;
  }

  // The store ends with rank 0, which therefore waits until all ranks know as well.
  void wait_until_all_know() const {
    if (store_.add("introduction/know", 1) == worker_.world_size) store_.set("introduction/all know", "");
    if (worker_.rank == 0) store_.wait_for("introduction/all know", std::min(timeout_, Store::Seconds(10)));
  }

 private:
  const Store& store_;
  const Worker& worker_;
  Store::Seconds timeout_;
  std::chrono::time_point<Clock, Store::Seconds> end_;
};

}  // namespace

std::string to_json(const Introduction& introduction) {
  return json{{"host", introduction.host},
              {"pid", introduction.pid},
              {"device", introduction.device},
              {"gpu", introduction.gpu},
              {"must_agree", introduction.must_agree}}
      .dump();
}

Introduction introduction_of_json(const std::string& text, const std::string& source) try {
  const json value = io::parse_json(text, source);
  return {.host = value.at("host"),
          .pid = value.at("pid"),
          .device = value.at("device"),
          .gpu = value.at("gpu"),
          .must_agree = value.at("must_agree")};
} catch (const json::exception& failure) {
  throw Error(str(source, ": ", io::reason_of(failure)));
}

std::vector<Introduction> introduce(const Store& store, const Worker& worker, const Introduction& mine,
                                    Store::Seconds timeout) {
  const Meeting meeting(store, worker, timeout);
  store.set(introduction_key_of(worker.rank), to_json(mine));
  std::vector<Introduction> all = meeting.hear_all();
  const std::vector<Difference> different = differences(all);
  const std::string problem = different.empty() ? sentence_of_shared_gpus(all) : sentence_of(different);
  if (problem.empty()) return all;
  if (worker.rank == 0 && !different.empty()) log::error("the workers do not agree:\n" + table_of(all, different));
  meeting.wait_until_all_know();
  throw UsageError(problem);
}

std::string list_ranks(const std::vector<int>& ranks) { return join(ranges(ranks), ", "); }

std::string name_ranks(const std::vector<int>& ranks) {
  if (ranks.size() == 1) return str("rank ", ranks[0]);
  std::vector<std::string> parts = ranges(ranks);
  if (parts.size() == 1) return "ranks " + parts[0];
  const std::string last = std::move(parts.back());
  parts.pop_back();
  return str("ranks ", join(parts, ", "), " and ", last);
}

}  // namespace strata::workers

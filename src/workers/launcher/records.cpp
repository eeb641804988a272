#include "records.h"

#include <nlohmann/json.hpp>

#include "strata/base/check.h"
#include "strata/io/json.h"

namespace strata::workers {

// What follows is found by the JSON library.
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Member, instance, host, workers)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Failure, node, host, rank, local_rank, pid, exit_code, what, last_lines)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Report, kind, ticket, signal, failure)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Verdict, kind, next_attempt, signal, failure)

namespace {

// A worker's last lines may be anything.
std::string dump(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

std::string encode(const std::vector<Member>& members) { return dump(members); }
std::string encode(const Member& member) { return dump(member); }
std::string encode(const Report& report) { return dump(report); }
std::string encode(const Verdict& verdict) { return dump(verdict); }

template <class Record>
Record decode(const std::string& text) {
  try {
    return io::parse_json(text, "a launcher's record").get<Record>();
  } catch (const nlohmann::json::exception& failure) {
    throw Error(str("a launcher's record: ", io::reason_of(failure)));
  }
}

template std::vector<Member> decode(const std::string& text);
template Member decode(const std::string& text);
template Report decode(const std::string& text);
template Verdict decode(const std::string& text);

std::string describe(const Failure& failure) {
  if (failure.rank < 0) return str("node ", failure.node, " (host ", failure.host, ") ", failure.what);
  return str("rank ", failure.rank, " (local rank ", failure.local_rank, ", pid ", failure.pid, ", host ", failure.host,
             ") ", failure.what);
}

}  // namespace strata::workers

#include "coordinator.h"

#include <algorithm>

#include "strata/base/check.h"
#include "strata/base/text.h"

namespace strata::workers {
namespace {

constexpr int kWrongUsage = 2;  // every attempt would fail alike
// For a failure that came first to become visible after one that came later.
constexpr std::chrono::seconds kForTheFirst{1};

}  // namespace

std::string launcher_key(const char* what, int number) { return str(what, "/", number); }
std::string launcher_key(const char* what, int attempt, int node) { return str(what, "/", attempt, "/", node); }

Coordinator::Coordinator(const Store& store, const LaunchOptions& options, const std::string& session)
    : store_(store), options_(options) {
  store_.set("nodes", std::to_string(options.nodes));
  store_.set("session", session);
}

void Coordinator::begin(int attempt) {
  attempt_ = attempt;
  began_ = Clock::now();
  members_.clear();
  decided_ = false;
  first_failure_ = {};
  store_.set("attempt", std::to_string(attempt));
}

void Coordinator::tick() {
  if (!decided_ && members_.empty()) gather();
  if (!decided_) watch_over();
}

// Workers of the attempt before may still be stopping.
Store::Seconds Coordinator::join_timeout() const {
  return attempt_ == 0 ? options_.join_timeout : options_.join_timeout + options_.grace;
}

void Coordinator::gather() {
  std::vector<Member> members;
  std::vector<std::string> missing;
  for (int node = 0; node < options_.nodes; ++node) {
    if (const auto joined = store_.find(launcher_key("join", attempt_, node))) {
      members.push_back(decode<Member>(*joined));
    } else {
      missing.push_back(std::to_string(node));
    }
  }
  if (missing.empty()) {
    members_ = members;
    lives_.clear();
    store_.set(launcher_key("start", attempt_), encode(members));
  } else if (Clock::now() - began_ > join_timeout()) {
    const std::string nodes = (missing.size() == 1 ? "node " : "nodes ") + join(missing, ", ");
    decide({.kind = Verdict::Kind::kEnd,
            .failure = {.host = members.empty() ? "" : members.front().host,
                        .what = str("waited for ", nodes, " of ", options_.nodes, " in vain for ",
                                    join_timeout().count(), " s")}});
  }
}

std::optional<Report> Coordinator::report_of(int node) const {
  const auto report = store_.find(launcher_key("report", attempt_, node));
  return report ? std::optional(decode<Report>(*report)) : std::nullopt;
}

// Signs of life are the launcher's instance and a number that grows.
std::optional<Failure> Coordinator::loss_of(int node) {
  if (members_.empty() || node == 0) return std::nullopt;
  const Member& member = members_.at(static_cast<size_t>(node));
  const std::string sign = store_.find(launcher_key("alive", node)).value_or("");
  Life& life = lives_[node];
  if (sign != life.sign || life.since == Clock::time_point()) life = {.sign = sign, .since = Clock::now()};
  if (!sign.empty() && !sign.starts_with(member.instance)) {
    return Failure{
        .node = node, .host = member.host, .what = "was started again, or another node has the same --node-rank"};
  }
  if (Clock::now() - life.since < options_.node_timeout) return std::nullopt;
  return Failure{.node = node,
                 .host = member.host,
                 .what = str("gives no sign of life for ", options_.node_timeout.count(), " s")};
}

void Coordinator::watch_over() {
  int done = 0;
  std::optional<Report> first;
  std::optional<Failure> lost;
  for (int node = 0; node < options_.nodes; ++node) {
    const std::optional<Report> report = report_of(node);
    if (!report) {
      if (const auto loss = loss_of(node)) lost = loss;
    } else if (report->kind == Report::Kind::kStopping) {
      return decide({.kind = Verdict::Kind::kStop, .signal = report->signal, .failure = report->failure});
    } else if (report->kind == Report::Kind::kDone) {
      ++done;
    } else if (!first || report->ticket < first->ticket) {
      first = report;
    }
  }
  if (done == options_.nodes) return decide({.kind = Verdict::Kind::kDone});
  if (first) {
    if (first_failure_ == Clock::time_point()) first_failure_ = Clock::now();
    if (first->ticket == 1 || Clock::now() - first_failure_ > kForTheFirst) decide_failed(first->failure);
  } else if (lost) {
    decide_failed(*lost);
  }
}

void Coordinator::decide_failed(const Failure& failure) {
  const bool again = attempt_ < options_.max_restarts && failure.exit_code != kWrongUsage;
  decide({.kind = again ? Verdict::Kind::kRestart : Verdict::Kind::kEnd,
          .next_attempt = attempt_ + 1,
          .failure = failure});
}

void Coordinator::decide(const Verdict& verdict) {
  decided_ = true;
  store_.set(launcher_key("verdict", attempt_), encode(verdict));
}

bool Coordinator::everyone_left() {
  for (int node = 1; node < options_.nodes; ++node) {
    const bool has_joined = store_.find(launcher_key("alive", node)).has_value();
    if (has_joined && !store_.find(launcher_key("bye", node)) && !loss_of(node)) return false;
  }
  return true;
}

}  // namespace strata::workers

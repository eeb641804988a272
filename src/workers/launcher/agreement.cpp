#include "agreement.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

#include "coordinator.h"
#include "strata/base/check.h"

namespace strata::workers {
namespace {

using Clock = std::chrono::steady_clock;
constexpr const char* kPrefix = "launcher/";  // apart from what workers keep there

// Beyond the timeouts that connecting has itself.
constexpr Store::Seconds kToConnect{60};

}  // namespace

Store::Seconds beat_interval(const LaunchOptions& options) {
  return std::min(Store::Seconds(1), options.node_timeout / 4);
}

struct Agreement::State {
  State(const LaunchOptions& launch_options, const Member& own, uint16_t store_port,
        std::shared_ptr<const WakeUp> waker)
      : options(launch_options), self(own), port(store_port), wake_up(std::move(waker)) {}

  void run();

  const LaunchOptions options;
  const Member self;
  const uint16_t port;
  const std::shared_ptr<const WakeUp> wake_up;

  // What both threads see.
  std::mutex mutex;
  std::condition_variable changed;
  News news = {};
  std::optional<Report> to_report = {};
  bool leaves = false;
  bool stops = false;
  bool is_urgent = false;
  bool has_ended = false;
  bool has_answered = false;  // since the last look at the news
  Store::Seconds silence{0};
  Clock::time_point last_look = Clock::now();

 private:
  struct Orders {
    bool leaves, stops;
  };
  Orders wait_for_orders();
  void publish(const std::function<void(News&)>& change);
  News present();

  void connect();
  void tick();
  void beat();
  void learn_attempt();
  void join(int attempt);
  void send_report();
  void read_answers();
  bool leave();

  // The thread's own.
  std::optional<Store> store_ = {};
  std::optional<Coordinator> coordinator_ = {};
  int64_t beats_ = 0;
  Clock::time_point last_beat_ = {};
  bool has_learned_ = false;
  int joined_ = -1;
};

Agreement::State::Orders Agreement::State::wait_for_orders() {
  std::unique_lock lock(mutex);
  has_answered = true;
  changed.wait_for(lock, std::min(options.monitor_interval, beat_interval(options)),
                   [&] { return is_urgent || stops; });
  is_urgent = false;
  return {.leaves = leaves, .stops = stops};
}

void Agreement::State::publish(const std::function<void(News&)>& change) {
  const std::lock_guard lock(mutex);
  change(news);
  wake_up->call();
}

Agreement::News Agreement::State::present() {
  const std::lock_guard lock(mutex);
  return news;
}

void Agreement::State::connect() {
  const std::string host = options.node == 0 ? "127.0.0.1" : options.master_host;
  store_ = Store::connect(host, port, options.join_timeout).under(kPrefix);
  if (options.node == 0) coordinator_.emplace(*store_, options, self.instance);
  const auto nodes = store_->wait_for("nodes", options.join_timeout);
  STRATA_CHECK(nodes, "no launcher answers at ", host, ":", port);
  STRATA_CHECK(*nodes == std::to_string(options.nodes), "--nnodes=", options.nodes, " here, but ", *nodes,
               " at node 0 (", host, ":", port, ")");
  has_learned_ = coordinator_.has_value();
  publish([](News& known) { known.connected = true; });
}

void Agreement::State::beat() {
  if (beats_ > 0 && Clock::now() - last_beat_ < beat_interval(options)) return;
  last_beat_ = Clock::now();
  store_->set(launcher_key("alive", options.node), str(self.instance, " ", ++beats_));
}

// A launcher that comes new takes the attempt from node 0; so does one that comes back and finds another launcher
// there.
void Agreement::State::learn_attempt() {
  const auto session = store_->find("session");
  const auto attempt = store_->find("attempt");
  if (!session || !attempt) return;
  has_learned_ = true;
  publish([&](News& known) {
    if (known.known.attempt >= 0 && known.known.session != *session) {
      known.verdict = Verdict{.kind = Verdict::Kind::kRestart,
                              .next_attempt = std::stoi(*attempt),
                              .failure = {.host = options.master_host, .what = "was started again"}};
      known.known.attempt = -1;  // until the launcher goes on
      to_report.reset();         // that was of another run
    } else if (known.known.attempt < 0) {
      known.known.attempt = std::stoi(*attempt);
    }
    known.known.session = *session;
  });
}

// An attempt that is under way without this launcher is not for it.
void Agreement::State::join(int attempt) {
  if (joined_ == attempt) return;
  joined_ = attempt;
  if (store_->find(launcher_key("start", attempt))) return;
  store_->set(launcher_key("join", attempt, options.node), encode(self));
}

void Agreement::State::send_report() {
  std::unique_lock lock(mutex);
  const int attempt = news.known.attempt;
  std::optional<Report> report = std::exchange(to_report, std::nullopt);
  lock.unlock();
  if (!report) return;
  if (report->kind == Report::Kind::kFailed) report->ticket = store_->add(launcher_key("failures", attempt), 1);
  store_->set(launcher_key("report", attempt, options.node), encode(*report));
}

void Agreement::State::read_answers() {
  const News before = present();
  const int attempt = before.known.attempt;
  // The launcher may have gone on meanwhile.
  const auto publish_of_attempt = [&](const auto& change) {
    publish([&](News& known) {
      if (known.known.attempt == attempt) change(known);
    });
  };
  if (!before.members) {
    if (const auto start = store_->find(launcher_key("start", attempt))) {
      const auto members = decode<std::vector<Member>>(*start);
      const bool takes_part = members.at(static_cast<size_t>(options.node)).instance == self.instance;
      if (takes_part) publish_of_attempt([&](News& known) { known.members = members; });
    }
  }
  if (before.verdict) return;
  if (const auto text = store_->find(launcher_key("verdict", attempt))) {
    const auto verdict = decode<Verdict>(*text);
    publish_of_attempt([&](News& known) { known.verdict = verdict; });
  }
}

void Agreement::State::tick() {
  beat();
  if (!has_learned_) learn_attempt();
  const int attempt = present().known.attempt;
  if (attempt < 0) return;
  if (coordinator_ && attempt != joined_) coordinator_->begin(attempt);
  join(attempt);
  send_report();
  if (coordinator_) coordinator_->tick();
  read_answers();
}

// Whether that is done.
bool Agreement::State::leave() {
  if (coordinator_) return coordinator_->everyone_left();
  store_->set(launcher_key("bye", options.node), "");
  return true;
}

void Agreement::State::run() {
  try {
    connect();
    for (;;) {
      const Orders orders = wait_for_orders();
      if (orders.stops || (orders.leaves && leave())) break;
      tick();
    }
    publish([](News& known) { known.has_left = true; });
  } catch (const std::exception& failure) {
    const std::string why = failure.what();
    publish([&](News& known) { known.lost = why; });
  }
  const std::lock_guard lock(mutex);
  has_ended = true;
  changed.notify_all();
}

Agreement::Agreement(const LaunchOptions& options, const Member& self, uint16_t port, const Known& known,
                     std::optional<Report> report, std::shared_ptr<const WakeUp> wake_up)
    : state_(std::make_shared<State>(options, self, port, std::move(wake_up))) {
  state_->news.known = known;
  state_->to_report = std::move(report);
  std::thread([state = state_] { state->run(); }).detach();
}

Agreement::~Agreement() {
  constexpr std::chrono::seconds kPatience{1};
  std::unique_lock lock(state_->mutex);
  state_->stops = true;
  state_->changed.notify_all();
  state_->changed.wait_for(lock, kPatience, [&] { return state_->has_ended; });
}

// Time in which this whole process stood still says nothing about the others.
Agreement::News Agreement::news() {
  const std::lock_guard lock(state_->mutex);
  News news = state_->news;
  const LaunchOptions& options = state_->options;
  const auto now = Clock::now();
  const Store::Seconds passed = std::min(Store::Seconds(now - state_->last_look), 2 * beat_interval(options));
  state_->silence = std::exchange(state_->has_answered, false) ? Store::Seconds(0) : state_->silence + passed;
  state_->last_look = now;
  const Store::Seconds limit = news.connected ? options.node_timeout : 2 * options.join_timeout + kToConnect;
  if (!news.lost && !state_->has_ended && state_->silence > limit) {
    news.lost = str("the workers' store at ", options.master_host, ":", state_->port, " gives no answer for ",
                    limit.count(), " s");
  }
  return news;
}

void Agreement::report(const Report& report) {
  const std::lock_guard lock(state_->mutex);
  state_->to_report = report;
  state_->is_urgent = true;
  state_->changed.notify_all();
}

void Agreement::next(int attempt) {
  const std::lock_guard lock(state_->mutex);
  state_->news.known.attempt = attempt;
  state_->news.members.reset();
  state_->news.verdict.reset();
  state_->to_report.reset();
  state_->is_urgent = true;
  state_->changed.notify_all();
}

void Agreement::leave() {
  const std::lock_guard lock(state_->mutex);
  state_->leaves = true;
  state_->is_urgent = true;
  state_->changed.notify_all();
}

}  // namespace strata::workers

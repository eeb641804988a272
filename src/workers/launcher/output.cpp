#include "output.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <list>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "events.h"
#include "strata/io/append_file.h"

namespace strata::workers {
namespace {

constexpr size_t kLongestLine = 1 << 20;
constexpr size_t kLastLines = 10;
constexpr size_t kLongestLastLine = 2000;
constexpr size_t kChunk = 1 << 16;

// Whether somebody still reads there.
bool write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(descriptor, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd writable = {.fd = descriptor, .events = POLLOUT, .revents = 0};
      poll(&writable, 1, -1);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

std::string without_end(std::string line) {
  while (line.ends_with('\n') || line.ends_with('\r')) line.pop_back();
  return line.substr(0, kLongestLastLine);
}

}  // namespace

std::vector<std::string> LineCutter::cut(std::string_view bytes) {
  std::vector<std::string> lines;
  waiting_ += bytes;
  size_t start = 0;
  for (;;) {
    size_t end = waiting_.find_first_of("\r\n", start);
    if (end == std::string::npos) break;
    if (waiting_.compare(end, 2, "\r\n") == 0) ++end;
    lines.push_back(waiting_.substr(start, end + 1 - start));
    start = end + 1;
  }
  waiting_.erase(0, start);
  if (waiting_.size() >= kLongestLine) {
    lines.push_back(std::move(waiting_));
    waiting_.clear();
  }
  return lines;
}

std::vector<std::string> LineCutter::rest() {
  if (waiting_.empty()) return {};
  std::vector<std::string> lines{std::move(waiting_) + "\n"};
  waiting_.clear();
  return lines;
}

namespace {

struct Stream {
  FileDescriptor source;
  OutputSink sink = {};
  std::unique_ptr<io::AppendFile> file = {};
  LineCutter cutter = {};
};

}  // namespace

struct OutputPump::State {
  void run();

  std::mutex mutex;
  std::condition_variable closed;
  std::vector<std::unique_ptr<Stream>> added;  // not yet seen by the thread
  std::map<int, int> open;                     // streams of a worker
  std::set<int> ended;                         // workers that write no more
  std::map<int, std::deque<std::string>> last_lines;
  bool stop = false;
  WakeUp wake_up;

 private:
  void pass_on(Stream& stream, const std::vector<std::string>& lines);
  bool read_some(Stream& stream);
  void close(Stream& stream);
  bool take_orders();
  bool has_ended(const Stream& stream);

  std::list<std::unique_ptr<Stream>> streams_;  // the thread's own
};

void OutputPump::State::pass_on(Stream& stream, const std::vector<std::string>& lines) {
  std::string plain;
  std::string prefixed;
  for (const std::string& line : lines) {
    plain += line;
    prefixed += line.starts_with(stream.sink.prefix) ? line : stream.sink.prefix + line;
  }
  if (stream.file) stream.file->append(plain);
  if (stream.sink.keeps_last_lines) {
    const std::lock_guard lock(mutex);
    std::deque<std::string>& kept = last_lines[stream.sink.worker];
    for (const std::string& line : lines) kept.push_back(without_end(line));
    while (kept.size() > kLastLines) kept.pop_front();
  }
  if (stream.sink.console >= 0 && !write_all(stream.sink.console, prefixed)) stream.sink.console = -1;
}

// Whether there may be more.
bool OutputPump::State::read_some(Stream& stream) {
  std::array<char, kChunk> bytes;
  const ssize_t count = read(stream.source.get(), bytes.data(), bytes.size());
  if (count < 0) return errno == EINTR || errno == EAGAIN;
  if (count == 0) return false;
  const std::vector<std::string> lines = stream.cutter.cut({bytes.data(), static_cast<size_t>(count)});
  if (!lines.empty()) pass_on(stream, lines);
  return true;
}

void OutputPump::State::close(Stream& stream) {
  if (const std::vector<std::string> rest = stream.cutter.rest(); !rest.empty()) pass_on(stream, rest);
  stream.file.reset();
  stream.source.close();
  const std::lock_guard lock(mutex);
  --open[stream.sink.worker];
  closed.notify_all();
}

bool OutputPump::State::take_orders() {
  const std::lock_guard lock(mutex);
  for (auto& stream : added) streams_.push_back(std::move(stream));
  added.clear();
  return !stop;
}

bool OutputPump::State::has_ended(const Stream& stream) {
  const std::lock_guard lock(mutex);
  return ended.contains(stream.sink.worker);
}

void OutputPump::State::run() {
  while (take_orders()) {
    std::vector<pollfd> polled{{.fd = wake_up.descriptor(), .events = POLLIN, .revents = 0}};
    bool some_ended = false;
    std::vector<bool> is_last;
    for (const auto& stream : streams_) {
      polled.push_back({.fd = stream->source.get(), .events = POLLIN, .revents = 0});
      is_last.push_back(has_ended(*stream));
      some_ended = some_ended || is_last.back();
    }
    poll(polled.data(), polled.size(), some_ended ? 0 : -1);
    if (polled[0].revents != 0) wake_up.clear();
    size_t at = 0;
    for (auto stream = streams_.begin(); stream != streams_.end(); ++at) {
      const bool readable = polled[at + 1].revents != 0;
      const bool goes_on = readable ? read_some(**stream) : !is_last[at];
      if (!goes_on) close(**stream);
      stream = goes_on ? std::next(stream) : streams_.erase(stream);
    }
  }
}

OutputPump::OutputPump() : state_(std::make_shared<State>()) {
  std::thread([state = state_] { state->run(); }).detach();
}

OutputPump::~OutputPump() {
  const std::lock_guard lock(state_->mutex);
  state_->stop = true;
  state_->wake_up.call();
}

void OutputPump::add(FileDescriptor source, const OutputSink& sink) {
  auto stream = std::make_unique<Stream>(Stream{.source = std::move(source), .sink = sink});
  if (!sink.file.empty()) stream->file = std::make_unique<io::AppendFile>(sink.file);
  const std::lock_guard lock(state_->mutex);
  ++state_->open[sink.worker];
  state_->added.push_back(std::move(stream));
  state_->wake_up.call();
}

bool OutputPump::finish(int worker, Store::Seconds timeout) {
  std::unique_lock lock(state_->mutex);
  state_->ended.insert(worker);
  state_->wake_up.call();
  return state_->closed.wait_for(lock, timeout, [&] { return state_->open[worker] == 0; });
}

std::vector<std::string> OutputPump::last_lines(int worker) const {
  const std::lock_guard lock(state_->mutex);
  const std::deque<std::string>& kept = state_->last_lines[worker];
  return {kept.begin(), kept.end()};
}

void OutputPump::forget() {
  const std::lock_guard lock(state_->mutex);
  state_->ended.clear();
  state_->last_lines.clear();
}

}  // namespace strata::workers

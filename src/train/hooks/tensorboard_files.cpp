// TensorBoard's event file: length-prefixed records with masked CRC-32C, each a hand-encoded `Event` protocol buffer
// (tensorflow/core/util/event.proto) of a few scalars.
#include <array>
#include <chrono>
#include <cstring>

#include "strata/base/check.h"
#include "strata/io/append_file.h"
#include "strata/train/hooks.h"
#include "strata/train/run_folder.h"

namespace strata::train {
namespace {

uint32_t crc32c(std::string_view bytes) {
  constexpr uint32_t kPolynomial = 0x82F63B78;  // Castagnoli, reflected
  uint32_t crc = ~0U;
  for (const char byte : bytes) {
    crc ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (kPolynomial & (0U - (crc & 1U)));
  }
  return ~crc;
}

template <class T>
std::string raw(T value) {
  std::string bytes(sizeof(T), '\0');
  std::memcpy(bytes.data(), &value, sizeof(T));
  return bytes;
}

std::string masked_crc(std::string_view bytes) {
  const uint32_t crc = crc32c(bytes);
  return raw(((crc >> 15) | (crc << 17)) + 0xA282EAD8U);
}

std::string varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>((value & 0x7F) | 0x80);
  return bytes + static_cast<char>(value);
}

enum WireType : uint64_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

std::string field(uint64_t number, WireType type) { return varint(number << 3 | type); }

std::string message(uint64_t number, const std::string& bytes) {
  return field(number, kBytes) + varint(bytes.size()) + bytes;
}

// Event{wall_time = 1, step = 2}
std::string event_start(int64_t step) {
  const double now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  return field(1, kFixed64) + raw(now) + field(2, kVarint) + varint(static_cast<uint64_t>(step));
}

// Summary.Value{tag = 1, simple_value = 2} inside Summary{value = 1}
std::string scalar(const std::string& tag, double value) {
  return message(1, message(1, tag) + field(2, kFixed32) + raw(static_cast<float>(value)));
}

class TensorboardFiles final : public Hook {
 public:
  TensorboardFiles(const std::filesystem::path& run, const Progress& start) : file_(new_file(run, start.step)) {
    write(event_start(start.step) + message(3, "brain.Event:2"));
    // SessionLog{status = 1: START}: readers forget what a killed run wrote of this step and those after it.
    write(event_start(start.step + 1) + message(7, field(1, kVarint) + varint(1)));
  }

  void after_step(const StepReport& report, const Progress&) override {
    constexpr int64_t kDense = 10'000;
    if (!is_logged(report.step, kDense)) return;
    write(event_start(report.step) +
          message(5, scalar("loss", report.loss) + scalar("lr", report.rate) +
                         scalar("grad_norm", report.norms.global) + scalar("gate_grad_norm", report.norms.gates)));
  }

 private:
  static std::filesystem::path new_file(const std::filesystem::path& run, int64_t step) {
    std::filesystem::create_directories(run / "tb");
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now).count();
    return run / "tb" / str("events.out.tfevents.", seconds, ".strata.from", step);
  }

  void write(const std::string& event) {
    const std::string length = raw(static_cast<uint64_t>(event.size()));
    file_.append(length + masked_crc(length) + event + masked_crc(event));
  }

  io::AppendFile file_;
};

}  // namespace

std::unique_ptr<Hook> tensorboard_files(const std::filesystem::path& run, const Progress& start) {
  return std::make_unique<TensorboardFiles>(run, start);
}

}  // namespace strata::train

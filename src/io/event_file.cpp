// Length-prefixed records with masked CRC-32C, each a hand-encoded `Event` protocol buffer (tensorflow's event.proto,
// summary.proto and tensor.proto, tensorboard's plugin_data.proto of hparams). Fields are named with their numbers.
#include "strata/io/event_file.h"

#include <charconv>
#include <chrono>
#include <cstring>
#include <optional>

namespace strata::io {
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

std::string wire_key(uint64_t number, WireType type) { return varint(number << 3 | type); }

std::string integer(uint64_t number, uint64_t value) { return wire_key(number, kVarint) + varint(value); }
std::string fp64(uint64_t number, double value) { return wire_key(number, kFixed64) + raw(value); }
std::string fp32(uint64_t number, double value) { return wire_key(number, kFixed32) + raw(static_cast<float>(value)); }
// A text, or a message inside a message.
std::string part(uint64_t number, const std::string& value) {
  return wire_key(number, kBytes) + varint(value.size()) + value;
}

// Event{wall_time = 1, step = 2}
std::string event_start(int64_t step) {
  const double now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  return fp64(1, now) + integer(2, static_cast<uint64_t>(step));
}

// Event.summary = 5, Summary.value = 1, Value.tag = 1
std::string summary(const std::string& values) { return part(5, values); }
std::string summary_value(const std::string& tag, const std::string& rest) { return part(1, part(1, tag) + rest); }

// Value.metadata = 9, SummaryMetadata.plugin_data = 1, PluginData{plugin_name = 1, content = 2}
std::string of_plugin(const std::string& name, const std::string& content = "") {
  return part(9, part(1, part(1, name) + part(2, content)));
}

// Value.tensor = 8, TensorProto{dtype = 1: DT_STRING, tensor_shape = 2: of one element, string_val = 8}
std::string text_tensor(const std::string& text) {
  return part(8, integer(1, 7) + part(2, part(2, integer(1, 1))) + part(8, text));
}

std::optional<double> number_in(const std::string& text) {
  double number = 0.0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_number = failure == std::errc() && end == text.data() + text.size();
  return is_number ? std::optional(number) : std::nullopt;
}

// google.protobuf.Value{number_value = 2, string_value = 3, bool_value = 4}
std::string setting(const std::string& text) {
  if (const auto number = number_in(text)) return fp64(2, *number);
  if (text == "true" || text == "false") return integer(4, text == "true" ? 1 : 0);
  return part(3, text);
}

}  // namespace

EventFile::EventFile(const std::filesystem::path& path, int64_t first_step) : file_(path) {
  write(event_start(0) + part(3, "brain.Event:2"));         // file_version = 3
  write(event_start(first_step) + part(7, integer(1, 1)));  // session_log = 7, SessionLog.status = 1: START
}

void EventFile::add(int64_t step, const std::vector<Scalar>& scalars) {
  if (scalars.empty()) return;
  std::string values;
  for (const Scalar& scalar : scalars) values += summary_value(scalar.tag, fp32(2, scalar.value));  // simple_value = 2
  write(event_start(step) + summary(values));
}

void EventFile::add_text(int64_t step, const std::string& tag, const std::string& text) {
  write(event_start(step) + summary(summary_value(tag, of_plugin("text") + text_tensor(text))));
}

void EventFile::add_settings(const std::vector<std::pair<std::string, std::string>>& settings) {
  std::string hparams;  // SessionStartInfo.hparams = 1, a map: {key = 1, value = 2}
  for (const auto& [name, value] : settings) hparams += part(1, part(1, name) + part(2, setting(value)));
  const std::string content = part(3, hparams);  // HParamsPluginData.session_start_info = 3
  write(event_start(0) + summary(summary_value("_hparams_/session_start_info", of_plugin("hparams", content))));
}

void EventFile::write(const std::string& event) {
  const std::string length = raw(static_cast<uint64_t>(event.size()));
  file_.append(length + masked_crc(length) + event + masked_crc(event));
}

}  // namespace strata::io

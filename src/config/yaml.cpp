#include "config/yaml.h"

#include <yaml-cpp/anchor.h>
#include <yaml-cpp/emitter.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <functional>
#include <optional>
#include <sstream>
#include <utility>

#include "strata/base/check.h"

namespace strata::config {
namespace {

// Also what the parser's events come to after "[1" without an end.
constexpr const char* kKeyMustBeText = "a key must be plain text (or a bracket was not closed)";

constexpr const char* kNoAnchors =
    "an anchor (&name) cannot be used here; write the value, or share it through base: (text that begins so needs "
    "quotes)";

using PlaceOfLine = std::function<std::string(int line)>;

// The braces of {00000..01023}, a range of file names, are text in a list too: while YAML is read, they are characters
// that mean nothing to it.
constexpr std::string_view kOpened = "\uE07B\uE17B", kClosed = "\uE07D\uE17D";

std::string with_covered_ranges(const std::string& text) {
  const auto after_digits = [&](size_t at) { return text.find_first_not_of("0123456789", at); };
  std::string covered;
  size_t done = 0;
  for (size_t begin = text.find('{'); begin != std::string::npos; begin = text.find('{', begin + 1)) {
    const size_t dots = after_digits(begin + 1);
    const size_t end = dots == std::string::npos ? dots : after_digits(dots + 2);
    const bool is_range = end != std::string::npos && dots > begin + 1 && text.compare(dots, 2, "..") == 0 &&
                          end > dots + 2 && text[end] == '}';
    if (!is_range) continue;
    covered.append(text, done, begin - done).append(kOpened).append(text, begin + 1, end - begin - 1).append(kClosed);
    done = end + 1;
  }
  return covered.append(text, done);
}

std::string with_uncovered_ranges(std::string text) {
  for (const auto& [cover, brace] : {std::pair(kOpened, "{"), std::pair(kClosed, "}")}) {
    for (size_t at = text.find(cover); at != std::string::npos; at = text.find(cover, at)) {
      text.replace(at, cover.size(), brace);
    }
  }
  return text;
}

// Builds nodes from the parser's events: unlike YAML::Node they show repeated keys, and which scalars were quoted.
class Builder final : public YAML::EventHandler {
 public:
  explicit Builder(const PlaceOfLine& place) : place_(place) {}

  Node take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (started_) fail(mark, "a second document; one file holds one");
    started_ = true;
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { add(mark, Node{}); }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    check_plain(mark, tag, anchor);
    add(mark, scalar_node(with_uncovered_ranges(value), tag != "?"));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { fail(mark, kNoAnchors); }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    check_plain(mark, tag, anchor);
    begin(mark, Node::Kind::kList);
  }
  void OnSequenceEnd() override { end(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    check_plain(mark, tag, anchor);
    begin(mark, Node::Kind::kMap);
  }
  void OnMapEnd() override { end(); }

 private:
  // A list or map that is not yet complete, and in a map the key whose value comes next.
  struct Open {
    Node node;
    std::optional<std::string> key;
    std::string key_place;
  };

  [[noreturn]] void fail(const YAML::Mark& mark, const std::string& message) const {
    throw UsageError(place_(mark.line) + ": " + message);
  }

  // Anchors and tags would change nothing here, so that they are no part of a text by mistake.
  void check_plain(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) const {
    if (anchor != YAML::NullAnchor) fail(mark, kNoAnchors);
    if (tag.size() > 1) fail(mark, "a tag (!name) cannot be used here; text that begins so needs quotes");
  }

  bool expects_key() const { return !open_.empty() && open_.back().node.kind == Node::Kind::kMap && !open_.back().key; }

  void begin(const YAML::Mark& mark, Node::Kind kind) {
    if (expects_key()) fail(mark, kKeyMustBeText);
    open_.push_back({.node = {.kind = kind, .place = place_(mark.line)}, .key = {}, .key_place = {}});
  }

  void end() {
    Node finished = std::move(open_.back().node);
    open_.pop_back();
    attach(std::move(finished));
  }

  void add(const YAML::Mark& mark, Node node) {
    node.place = place_(mark.line);
    if (!expects_key()) {
      attach(std::move(node));
      return;
    }
    if (node.kind != Node::Kind::kScalar) fail(mark, kKeyMustBeText);
    Open& map = open_.back();
    if (const Node* first = map.node.find(node.text)) {
      fail(mark, on_one_line(node.text) + ": given twice, first at " + first->place);
    }
    map.key = std::move(node.text);
    map.key_place = std::move(node.place);
  }

  void attach(Node node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.kind == Node::Kind::kList) {
      parent.node.items.push_back(std::move(node));
      return;
    }
    node.place = std::move(parent.key_place);
    parent.node.entries.emplace_back(*std::exchange(parent.key, std::nullopt), std::move(node));
  }

  const PlaceOfLine& place_;
  std::vector<Open> open_;
  Node root_;
  bool started_ = false;
};

Node parse(const std::string& text, const PlaceOfLine& place) try {
  // At the bare end of the input yaml-cpp takes a quoted text that was never closed; at a document's end it does not.
  std::istringstream stream(with_covered_ranges(text) + (text.ends_with('\n') ? "...\n" : "\n...\n"));
  YAML::Parser parser(stream);
  Builder builder(place);
  while (parser.HandleNextDocument(builder)) {
  }
  return builder.take();
} catch (const YAML::Exception& failure) {
  throw UsageError(place(failure.mark.line) + ": not valid YAML: " + on_one_line(failure.msg));
}

void emit(YAML::Emitter& out, const Node& node) {
  switch (node.kind) {
    case Node::Kind::kNull:
      out << YAML::Null;
      break;
    case Node::Kind::kScalar:
      if (node.quoted) out << YAML::DoubleQuoted;
      out << node.text;
      break;
    case Node::Kind::kList:
      out << YAML::Flow << YAML::BeginSeq;
      for (const Node& item : node.items) emit(out, item);
      out << YAML::EndSeq;
      break;
    case Node::Kind::kMap:
      if (node.entries.empty()) out << YAML::Flow;
      out << YAML::BeginMap;
      for (const auto& [key, value] : node.entries) {
        out << YAML::Key << key << YAML::Value;
        emit(out, value);
      }
      out << YAML::EndMap;
      break;
  }
}

}  // namespace

Node parse_yaml_file(const std::string& text, const std::string& file) {
  return parse(text, [&file](int line) { return str(file, ":", line + 1); });
}

Node parse_yaml_value(const std::string& text, const std::string& place) {
  return parse(text, [&place](int) { return place; });
}

std::string emit_yaml(const Node& node) {
  YAML::Emitter out;
  emit(out, node);
  return std::string(out.c_str()) + "\n";
}

}  // namespace strata::config

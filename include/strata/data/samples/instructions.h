#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "strata/data/bad_records.h"

namespace strata::data {

/// What was asked and what was answered.
struct Turn {
  std::string instruction;
  std::string input;  // what the instruction is about; may be empty
  std::string output;

  bool operator==(const Turn&) const = default;
};

/// One record of a fine-tuning set.
struct Instruction {
  std::vector<Turn> turns;      // at least one
  std::string answer;           // what evaluation looks for in a generated answer; empty: nothing
  bool has_unanswered = false;  // messages behind the last one of the assistant, which are not used

  bool operator==(const Instruction&) const = default;
};

/// The records of files or globs (see find_sources), in order.
///
/// A file, gzip where its name says so, is one JSON array of objects or one object a line. An object has `instruction`,
/// `output`, and, where it likes, `input` and `answer`; or `messages`, a list of {role, content} with the roles system,
/// user and assistant: each message of the assistant is the output of a turn, whose instruction is what was said since
/// the turn before it, with blank lines between. Messages behind the last one of the assistant are not used, and noted.
///
/// Throws UsageError, naming sft.data, for a pattern without a file and for files of another kind. Throws Error, one
/// line that begins with `path:line:` or, in an array, `path: record N:` (from 1), for what is no such object: broken
/// JSON, a field that is missing or no text, an output without text, messages without the assistant, another role.
/// With `bad`, it decides about such objects; an array that is no JSON throws all the same.
std::vector<Instruction> read_instructions(const std::vector<std::string>& patterns, BadRecords* bad = nullptr);

/// The same of one file's text. `path`: begins the messages.
std::vector<Instruction> parse_instructions(std::string text, const std::string& path, BadRecords* bad = nullptr);

}  // namespace strata::data

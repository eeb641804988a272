#include "strata/data/samples/prompt_template.h"

#include "support/errors.h"

namespace strata::data {
namespace {

using strata::test::error_of;
using testing::StrEq;

const Turn kTurn{"Add.", "1 2", "3"};
const Turn kNoInput{"Add.", "", "3"};

TEST(PromptTemplate, AlpacaIsStanfords) {
  const PromptTemplate alpaca("alpaca");
  EXPECT_EQ(alpaca.prompt(kTurn),
            "Below is an instruction that describes a task, paired with an input that provides further context. Write "
            "a response that appropriately completes the request.\n\n### Instruction:\nAdd.\n\n### Input:\n1 2\n\n### "
            "Response:");
  EXPECT_EQ(alpaca.prompt(kNoInput),
            "Below is an instruction that describes a task. Write a response that appropriately completes the "
            "request.\n\n### Instruction:\nAdd.\n\n### Response:");
  EXPECT_EQ(alpaca.response(kTurn), "3");
}

TEST(PromptTemplate, PlainIsTheBareTurn) {
  const PromptTemplate plain("plain");
  EXPECT_EQ(plain.prompt(kTurn), "Add.\n1 2\n\n");
  EXPECT_EQ(plain.prompt(kNoInput), "Add.\n\n");
  EXPECT_EQ(plain.response(kTurn), "3");
}

TEST(PromptTemplate, TakesATextOfOnesOwn) {
  const PromptTemplate own("{instruction}|{input}|{instruction}{ x }{} {{}\nA: {output}!");
  EXPECT_EQ(own.prompt(kTurn), "Add.|1 2|Add.{ x }{} {{}\nA: ");
  EXPECT_EQ(own.prompt(kNoInput), "Add.||Add.{ x }{} {{}\nA: ");
  EXPECT_EQ(own.response(kTurn), "3!");
  EXPECT_EQ(PromptTemplate("Q {instruction} A{output}").prompt(kTurn), "Q Add.\n1 2 A");
}

TEST(PromptTemplate, WhatATurnSaysIsOnlyText) {
  const Turn turn{"{input}{output}", "{instruction}{wrong}", "{output}{instruction}"};
  const PromptTemplate own("{instruction}:{input}:{output}");
  EXPECT_EQ(own.prompt(turn), "{input}{output}:{instruction}{wrong}:");
  EXPECT_EQ(own.response(turn), "{output}{instruction}");
}

TEST(PromptTemplate, MistakesNameTheKey) {
  const auto error = [](const char* text) { return error_of([&] { PromptTemplate{text}; }); };
  EXPECT_THAT(error("{instruction}{otput}"),
              StrEq("sft.template: unknown placeholder {otput} (known: {instruction} {input} {output}, or the names "
                    "alpaca and plain)"));
  EXPECT_THAT(error("alpca"), StrEq("sft.template: the text has no {instruction}"));
  EXPECT_THAT(error("{input}{output}"), StrEq("sft.template: the text has no {instruction}"));
  EXPECT_THAT(error("{instruction}"), StrEq("sft.template: the text has {output} 0 times, not once"));
  EXPECT_THAT(error("{instruction}{output}{output}"), StrEq("sft.template: the text has {output} 2 times, not once"));
  EXPECT_THAT(error("{output}{instruction}"), StrEq("sft.template: {output} is not the last placeholder of the text"));
  EXPECT_THROW(PromptTemplate{""}, UsageError);
}

}  // namespace
}  // namespace strata::data

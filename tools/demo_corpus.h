#pragma once

#include <filesystem>

namespace strata::tools {

/// The King James Bible as C4 lies on disk: a document a chapter, every twentieth for validation, in
/// demo-train.0000{0,1}-of-00002.json.gz and demo-validation.00000-of-00001.json.gz, which comes last. From the program
/// `bible` of Debian's package bible-kjv; throws Error where that is not there, or prints something else.
void make_demo_corpus(const std::filesystem::path& folder);

}  // namespace strata::tools

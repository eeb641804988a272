// Pickles as torch.save writes them, put together by hand, and what must be refused. tests/hub/transformers_test.py has
// torch write some.
#include "strata/io/state_dict.h"

#include "strata/base/check.h"
#include "strata/io/torch_file.h"
#include "support/pickle.h"
#include "support/temp_folder.h"
#include "support/zip.h"

namespace strata::io {
namespace {

using test::Pickle;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

// Four floats, 0 to 3, of which the tensor is a view.
Pickle one_tensor(const std::vector<int64_t>& shape, const std::vector<int64_t>& strides, int64_t offset = 0) {
  return Pickle().begin_dict().text("w").tensor("FloatStorage", "0", 4, offset, shape, strides).end_dict();
}

std::string four_floats() {
  const float values[]{0, 1, 2, 3};
  return {reinterpret_cast<const char*>(values), sizeof values};
}

void write_archive(const std::filesystem::path& path, const std::string& pickle, const std::string& storage) {
  test::write_zip(path, {{"archive/data.pkl", pickle}, {"archive/byteorder", "little"}, {"archive/data/0", storage}});
}

void expect_refused(const Pickle& pickle, const std::string& message) {
  EXPECT_THAT([&] { read_state_dict(pickle.bytes(), "f.bin"); }, ThrowsMessage<Error>(HasSubstr("f.bin: ")));
  EXPECT_THAT([&] { read_state_dict(pickle.bytes(), "f.bin"); }, ThrowsMessage<Error>(HasSubstr(message)));
}

TEST(StateDict, IsReadAsItWasSaved) {
  const auto tensors = read_state_dict(one_tensor({2, 1}, {1, 2}, 1).bytes(), "f.bin");
  ASSERT_EQ(tensors.size(), 1);
  EXPECT_EQ(tensors[0].name, "w");
  EXPECT_EQ(tensors[0].storage, "0");
  EXPECT_EQ(tensors[0].dtype, at::kFloat);
  EXPECT_EQ(tensors[0].offset, 1);
  EXPECT_THAT(tensors[0].shape, ElementsAre(2, 1));
  EXPECT_THAT(tensors[0].strides, ElementsAre(1, 2));
  EXPECT_TRUE(read_state_dict(Pickle().begin_dict().end_dict().bytes(), "f.bin").empty());
}

TEST(StateDict, RunsNothing) {
  expect_refused(Pickle().global("os", "system").text("rm -rf /").tuple(1).call(), "calls os system");
  expect_refused(Pickle().global("builtins", "eval").text("1").tuple(1).call(), "calls builtins eval");
  expect_refused(Pickle().begin_dict().text("w").global("os", "system").end_dict(), "\"w\" is no tensor");
  for (const char code : {'i', 'o', '\x81', '\x92', 'P', '\x82', 'S', 'd', 'l'}) {
    expect_refused(Pickle().raw(std::string(1, code)), "which no state dict of tensors needs");
  }
}

TEST(StateDict, IsRefusedWhereATensorLeavesItsStorage) {
  expect_refused(one_tensor({5}, {1}), "does not lie within its storage");
  expect_refused(one_tensor({4}, {1}, 1), "does not lie within its storage");
  expect_refused(one_tensor({2}, {4}), "does not lie within its storage");
  expect_refused(one_tensor({1000000, 1000000}, {0, 0}), "does not lie within its storage");
  expect_refused(one_tensor({2}, {1, 1}), "does not lie within its storage");
  expect_refused(one_tensor({-1}, {1}), "a size that is none");
  expect_refused(one_tensor({int64_t{1} << 62, 4}, {1, int64_t{1} << 61}), "does not lie within its storage");
}

TEST(StateDict, IsRefusedWhereThePickleIsNotOne) {
  const std::string whole = one_tensor({4}, {1}).bytes();
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THROW(read_state_dict(whole.substr(0, size), "f.bin"), Error) << size;
  }
  expect_refused(Pickle().text("w"), "is no state dict");
  expect_refused(Pickle().begin_dict().tensor("FloatStorage", "0", 4, 0, {4}, {1}).text("w").end_dict(),
                 "a key is no text");
  expect_refused(Pickle().begin_dict().text("w").text("w").end_dict(), "\"w\" is no tensor");
  expect_refused(Pickle().begin_dict().text("w").tensor("QInt8Storage", "0", 4, 0, {4}, {1}).end_dict(),
                 "a storage of type torch QInt8Storage");
}

TEST(TorchFile, GivesTheTensors) {
  const test::TempFolder folder;
  write_archive(folder / "f.bin", one_tensor({2, 2}, {1, 2}).bytes(), four_floats());
  const auto plans = open_torch_file(folder / "f.bin");
  ASSERT_EQ(plans.size(), 1);
  const at::Tensor tensor = plans[0].make();
  EXPECT_TRUE(tensor.is_contiguous());
  const auto* values = tensor.const_data_ptr<float>();
  EXPECT_THAT(std::vector<float>(values, values + 4), ElementsAre(0, 2, 1, 3));
}

TEST(TorchFile, RefusesArchivesThatAreNotWhole) {
  const test::TempFolder folder;
  const auto expect_bad = [&](const std::string& message) {
    EXPECT_THAT([&] { open_torch_file(folder / "f.bin").front().make(); }, ThrowsMessage<Error>(HasSubstr(message)));
  };
  write_archive(folder / "f.bin", one_tensor({4}, {1}).bytes(), four_floats().substr(4));
  expect_bad("archive/data/0 has 12 bytes, w needs 16");
  test::write_zip(folder / "f.bin", {{"archive/data.pkl", one_tensor({4}, {1}).bytes()}});
  expect_bad("has no archive/data/0, where w is said to be");
  test::write_zip(folder / "f.bin", {{"archive/data.pkl", one_tensor({4}, {1}).bytes()}, {"archive/byteorder", "big"}});
  expect_bad("not little-endian");
  test::write_zip(folder / "f.bin", {{"word/document.xml", ""}});
  expect_bad("is no state dict of torch.save");
  test::write_file(folder / "f.bin", one_tensor({4}, {1}).bytes());
  expect_bad("f.bin");
}

}  // namespace
}  // namespace strata::io

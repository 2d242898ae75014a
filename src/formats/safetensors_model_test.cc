#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/atomic_file.h"
#include "base/error.h"
#include "formats/safetensors.h"

namespace qk {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kIndex = "model.safetensors.index.json";

class SafetensorsModelTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
    folder_ = fs::temp_directory_path() / fmt::format("qk_shards_{}_{}", ::getpid(), name);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  // A file with one U8 element per name, its value the first character of the name.
  void write_shard(std::string_view file, const std::vector<std::string>& names) const {
    std::string header = "{";
    std::string buffer;
    for (const std::string& name : names) {
      header += fmt::format(R"({}"{}":{{"dtype":"U8","shape":[1],"data_offsets":[{},{}]}})",
                            header.size() > 1 ? "," : "", name, buffer.size(), buffer.size() + 1);
      buffer += name[0];
    }
    header += "}";
    std::string bytes(8, '\0');
    const uint64_t header_bytes = header.size();
    std::memcpy(bytes.data(), &header_bytes, 8);
    write_file(folder_ / file, bytes + header + buffer);
  }
  void write_index(std::string_view weight_map) const {
    write_file(folder_ / kIndex,
               fmt::format(R"({{"metadata":{{"total_size":3}},"weight_map":{}}})", weight_map));
  }
  std::string error() const {
    try {
      open_safetensors(folder_);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }

  fs::path folder_;
};

std::vector<std::string> lines_of(const SafetensorsModel& model) {
  std::vector<std::string> lines;
  lines.reserve(model.tensors.size());
  for (const StoredTensor& tensor : model.tensors) {
    lines.push_back(
        fmt::format("{} {} {}", tensor.name, tensor.file, static_cast<char>(tensor.bytes[0])));
  }
  return lines;
}

TEST_F(SafetensorsModelTest, OpensOneFile) {
  write_shard("model.safetensors", {"b", "a"});
  EXPECT_THAT(lines_of(open_safetensors(folder_)),
              ElementsAre("a model.safetensors a", "b model.safetensors b"));
}

TEST_F(SafetensorsModelTest, OpensShardsAndIgnoresOtherFiles) {
  write_shard("1.safetensors", {"c", "a"});
  write_shard("2.safetensors", {"b"});
  write_shard("consolidated.safetensors", {"z", "a"});
  write_index(R"({"a":"1.safetensors","b":"2.safetensors","c":"1.safetensors"})");
  SafetensorsModel model = open_safetensors(folder_);
  const SafetensorsModel moved = std::move(model);  // the bytes stay where they are
  EXPECT_EQ(moved.files.size(), 2);
  EXPECT_THAT(lines_of(moved),
              ElementsAre("a 1.safetensors a", "b 2.safetensors b", "c 1.safetensors c"));
}

TEST_F(SafetensorsModelTest, TheSingleFileGoesBeforeTheIndex) {
  write_shard("model.safetensors", {"a"});
  write_index(R"({"b":"absent.safetensors"})");
  EXPECT_THAT(lines_of(open_safetensors(folder_)), ElementsAre("a model.safetensors a"));
}

TEST_F(SafetensorsModelTest, SaysThatThereIsNothing) {
  EXPECT_EQ(error(), folder_.string() +
                         ": holds neither model.safetensors nor model.safetensors.index.json");
}

TEST_F(SafetensorsModelTest, SaysThatALinkLeadsNowhere) {
  std::filesystem::create_symlink("../blobs/0123", folder_ / "model.safetensors");
  EXPECT_EQ(error(), folder_.string() +
                         "/model.safetensors: is a link to ../blobs/0123, which is not there (an "
                         "incomplete download?)");
}

TEST_F(SafetensorsModelTest, SaysWhatIsWrongWithTheIndex) {
  write_shard("1.safetensors", {"a"});
  const std::pair<std::string, std::string> table[] = {
      {"[]", "weight_map: expected a map"},
      {"{}", "weight_map: expected a map"},
      {R"({"a":1})", "weight_map: a: expected a file name, found number"},
      {R"({"a":"../1.safetensors"})", "expected plain file names, found '../1.safetensors'"},
      {R"({"a":"/etc/passwd"})", "expected plain file names, found '/etc/passwd'"},
      {R"({"a":"x\\1.safetensors"})", "expected plain file names"},
      {R"({"a":".."})", "expected plain file names, found '..'"},
      {R"({"a":""})", "expected plain file names, found ''"},
      {R"({"a":"x\u0000y"})", "holds a control character"},
  };
  for (const auto& [weight_map, sentence] : table) {
    write_index(weight_map);
    EXPECT_THAT(error(), AllOf(HasSubstr(kIndex), HasSubstr(sentence)));
  }
  write_file(folder_ / kIndex, "[1]");
  EXPECT_THAT(error(), HasSubstr("weight_map: expected a map"));
  write_file(folder_ / kIndex, "{\"weight_map\": {\"a\": \n");
  EXPECT_THAT(error(), HasSubstr("index.json: line 2, column 1: is not JSON"));
}

// "name: fault" of every tensor that has one.
std::vector<std::string> faults_of(const SafetensorsModel& model) {
  std::vector<std::string> out;
  for (const StoredTensor& tensor : model.tensors) {
    if (!tensor.fault.empty()) out.push_back(tensor.name + ": " + tensor.fault);
  }
  return out;
}

TEST_F(SafetensorsModelTest, NotesWhereIndexAndShardsDisagree) {
  write_shard("1.safetensors", {"a", "b"});
  write_shard("2.safetensors", {"c"});
  write_index(
      R"({"a":"1.safetensors","b":"2.safetensors","c":"2.safetensors","d":"1.safetensors"})");
  EXPECT_THAT(faults_of(open_safetensors(folder_)),
              ElementsAre("b: is in 1.safetensors, but the index says 2.safetensors",
                          "d: is not in 1.safetensors, where the index says it is"));
  write_index(R"({"a":"1.safetensors","c":"2.safetensors"})");
  const SafetensorsModel model = open_safetensors(folder_);
  EXPECT_THAT(faults_of(model),
              ElementsAre("b: is in 1.safetensors, but the index does not list it"));
  EXPECT_THAT(lines_of(model),
              ElementsAre("a 1.safetensors a", "b 1.safetensors b", "c 2.safetensors c"));
}

TEST_F(SafetensorsModelTest, EqualCopiesAreNoFault) {
  write_shard("1.safetensors", {"a", "b"});
  write_shard("2.safetensors", {"c", "a"});
  for (const char* shard : {"1.safetensors", "2.safetensors"}) {
    write_index(fmt::format(R"({{"a":"{}","b":"1.safetensors","c":"2.safetensors"}})", shard));
    const SafetensorsModel model = open_safetensors(folder_);
    EXPECT_THAT(faults_of(model), ElementsAre());
    EXPECT_EQ(model.tensors.at(0).file, shard);
    EXPECT_EQ(model.tensors.size(), 3U);
  }
}

TEST_F(SafetensorsModelTest, CopiesThatDifferAreAFault) {
  write_shard("1.safetensors", {"a", "b"});
  std::string other = read_file(folder_ / "1.safetensors");
  other[other.size() - 2] = 'x';  // of a
  write_file(folder_ / "2.safetensors", other);
  write_index(R"({"a":"1.safetensors","b":"2.safetensors"})");
  EXPECT_THAT(faults_of(open_safetensors(folder_)),
              ElementsAre("a: is in 1.safetensors and in 2.safetensors with different content"));
}

TEST_F(SafetensorsModelTest, ShardsThatCannotBeReadAreAFaultOfTheirTensors) {
  write_shard("1.safetensors", {"a"});
  write_file(folder_ / "2.safetensors", "short");
  write_index(R"({"a":"1.safetensors","b":"2.safetensors","c":"3.safetensors"})");
  EXPECT_THAT(
      faults_of(open_safetensors(folder_)),
      ElementsAre(AllOf(HasSubstr("b: is in 2.safetensors by the index, which cannot be read ("),
                        HasSubstr("2.safetensors: is not a safetensors file: 5 bytes")),
                  "c: is in 3.safetensors by the index, which is not in the folder"));
}

TEST_F(SafetensorsModelTest, SaysWhatTheFolderHoldsInstead) {
  const std::pair<const char*, const char*> table[] = {
      {"model.h5", "the folder holds model.h5; weights of TensorFlow, Flax and ONNX are not read"},
      {"training_args.bin", "holds model.h5"},
      {"pytorch_model-00001-of-00002.bin",
       "the folder holds pytorch_model-00001-of-00002.bin; pickle files are not read; load the model in "
       "transformers and save it with save_pretrained(..., safe_serialization=True)"},
      {"other.safetensors", "expected the name model.safetensors"},
      {"consolidated.safetensors", "download model.safetensors"},
      {"adapter_model.safetensors", "an adapter alone is no model"},
  };
  for (const auto& [name, sentence] : table) {
    write_file(folder_ / name, "");
    EXPECT_THAT(error(), HasSubstr(sentence)) << name;
  }
}

TEST_F(SafetensorsModelTest, NamesTheFilesOfMetasReleases) {
  fs::create_directory(folder_ / "original");
  write_file(folder_ / "original" / "consolidated.00.pth", "");
  EXPECT_THAT(error(), HasSubstr("the folder holds original/consolidated.00.pth; pickle files"));
}

}  // namespace
}  // namespace qk

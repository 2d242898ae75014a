#include "formats/other_weights.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace qk {
namespace {

namespace fs = std::filesystem;

struct OtherFormat {
  std::string_view prefix;  // of the file's name
  std::string_view ending;
  std::string_view advice;
};

constexpr std::string_view kPickle =
    "pickle files are not read; load the model in transformers and save it with "
    "save_pretrained(..., safe_serialization=True)";
constexpr std::string_view kOtherFramework =
    "weights of TensorFlow, Flax and ONNX are not read; load the model in transformers and save it "
    "with save_pretrained(..., safe_serialization=True)";
constexpr std::string_view kAdapter = "an adapter alone is no model; merge it into its base model";
constexpr std::string_view kOwnNames =
    "its tensors have other names than those of transformers; download model.safetensors or its "
    "shards";
constexpr std::string_view kNoIndex =
    "expected the name model.safetensors, or shards with a model.safetensors.index.json";

constexpr std::string_view kGguf = "to read it, name that file in place of the folder";

constexpr std::array<OtherFormat, 15> kFormats = {{
    {"", ".gguf", kGguf},
    {"adapter_model", ".safetensors", kAdapter},
    {"adapter_model", ".bin", kAdapter},
    {"consolidated", ".safetensors", kOwnNames},
    {"", ".safetensors", kNoIndex},
    {"training_args", ".bin", ""},
    {"optimizer", "", ""},
    {"", ".bin", kPickle},
    {"", ".pt", kPickle},
    {"", ".pth", kPickle},
    {"", ".ckpt", kPickle},
    {"", ".h5", kOtherFramework},
    {"", ".msgpack", kOtherFramework},
    {"", ".onnx", kOtherFramework},
    {"", ".tflite", kOtherFramework},
}};

std::string found_in(const fs::path& folder, const std::string& shown_as) {
  std::error_code ignored;
  std::vector<std::string> names;
  for (fs::directory_iterator it(folder, ignored), end; !ignored && it != end;
       it.increment(ignored)) {
    names.push_back(it->path().filename().string());
  }
  std::ranges::sort(names);
  for (const OtherFormat& format : kFormats) {
    for (const std::string& name : names) {
      if (!name.starts_with(format.prefix) || !name.ends_with(format.ending)) continue;
      const bool skipped = std::ranges::any_of(kFormats, [&](const OtherFormat& other) {
        return other.advice.empty() && name.starts_with(other.prefix) &&
               name.ends_with(other.ending);
      });
      if (!skipped) {
        return fmt::format(": it holds {}{}; {}", shown_as, printable(name), format.advice);
      }
    }
  }
  return "";
}

}  // namespace

std::string other_weights(const fs::path& folder) {
  std::error_code ignored;
  for (const char* name : {"model.safetensors", "model.safetensors.index.json"}) {
    if (fs::exists(folder / name, ignored)) return "";
  }
  const std::string here = found_in(folder, "");
  return here.empty() ? found_in(folder / "original", "original/") : here;
}

}  // namespace qk

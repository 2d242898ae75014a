// Any bytes as the card of a dataset. The result must be an Error or configs, whichever of the two
// files they stand in.
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "base/error.h"
#include "corpus/dataset_card.h"

namespace {

// A folder of this process, on the memory disk where there is one.
std::filesystem::path folder() {
  const std::filesystem::path memory = "/dev/shm";
  const std::filesystem::path root =
      std::filesystem::exists(memory) ? memory : std::filesystem::temp_directory_path();
  const std::filesystem::path path = root / ("card_fuzz_" + std::to_string(::getpid()));
  std::filesystem::create_directories(path);
  return path;
}

void read(const std::filesystem::path& where) {
  try {
    const auto configs = qk::read_dataset_card(where);
    if (!configs.empty()) qk::choose_config(configs, std::nullopt, where.string());
  } catch (const qk::Error& error) {
    QK_CHECK(std::string_view(error.what()).find('\n') == std::string_view::npos);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::filesystem::path where = folder();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::ofstream(where / "README.md") << "---\n" << text << "\n---\n";
  std::filesystem::remove(where / ".huggingface.yaml");
  read(where);
  std::filesystem::rename(where / "README.md", where / ".huggingface.yaml");
  read(where);
  return 0;
}

#include "cli/manual.h"

#include <fmt/format.h>

#include <array>

namespace qk {
namespace {

constexpr auto kExitCodes = std::to_array<ManualEntry>({
    {"0", "success"},
    {"1", "user error or failed check (stderr or the report says which)"},
    {"2", "a bug in Qkscope"},
    {"75",
     "a run or a transfer was stopped by a signal: resume it, or give the command again (analyze: 1, "
     "since nothing of it is kept)"},
});

constexpr auto kVariables = std::to_array<ManualEntry>({
    {"HF_TOKEN",
     "token of the Hugging Face Hub; else HUGGING_FACE_HUB_TOKEN, else the file that "
     "`hf auth login` writes (HF_TOKEN_PATH)"},
    {"HF_ENDPOINT", "address of the Hub (default: https://huggingface.co)"},
    {"HF_HOME", "folder of the Hub's cache and token (default: ~/.cache/huggingface)"},
    {"HF_HUB_CACHE", "the cache alone (default: hub in HF_HOME)"},
    {"HF_HUB_OFFLINE", "1: no connection at all, the cache only"},
    {"HTTPS_PROXY", "proxy for the Hub; exceptions are in NO_PROXY"},
    {"SSL_CERT_FILE", "certificates that the Hub is checked with"},
    {"QKSCOPE_TORCH_PLUGIN",
     "file of the torch plugin (default: libqkscope_torch.so beside the "
     "program or in ../lib/qkscope)"},
    {"QKSCOPE_TORCH_DIR",
     "folder of the torch that the plugin loads (default: the one that it was "
     "built with)"},
    {"QKSCOPE_MPI_LIB", "MPI library to load, as --mpi FILE names it"},
    {"QKSCOPE_MPI_SHIM", "library made of what `qkscope mpi-shim` prints, for an unusual MPI"},
    {"QKSCOPE_LOST_SECONDS",
     "seconds without a sign of life after which a rank counts as lost "
     "(default: 60)"},
    {"PYTHON_DOTENV_DISABLED", "1: the file .env is not read"},
});

constexpr auto kFiles = std::to_array<ManualEntry>({
    {".env", "in the working folder or the nearest one above: variables that are not set yet"},
    {"DIR/README.md", "the card of a dataset, written last: with it the dataset is complete"},
    {"DIR/.qkscope/journal",
     "captured documents of a run that is not finished; --resume goes on "
     "from it"},
    {"~/.cache/huggingface", "what was downloaded from the Hub, shared with Python"},
});

}  // namespace

std::span<const ManualEntry> exit_codes() { return kExitCodes; }
std::span<const ManualEntry> environment_variables() { return kVariables; }
std::span<const ManualEntry> known_files() { return kFiles; }

std::string exit_codes_text() {
  std::string out = "\n\nExit codes:";
  for (const ManualEntry& code : kExitCodes)
    out += fmt::format("\n  {:<4}{}", code.name, code.text);
  return out;
}

}  // namespace qk

// For tests only: a Hub in memory with some files, and their way into its cache.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "base/atomic_file.h"
#include "download/download.h"
#include "download/test_memory_hub.h"

namespace qk::download_test {

namespace fs = std::filesystem;

inline constexpr const char* kModelFile = "model.safetensors";
inline const std::string kGetModel =
    std::string("GET /org/m/resolve/") + MemoryHub::kCommit + "/" + kModelFile;

class Download : public testing::Test {
 protected:
  Download() {
    hub_.files = {{"config.json", "{}"},
                  {"empty.txt", ""},
                  {"sub/dir/a b.txt", "hello\n"},
                  {kModelFile, "0123456789"}};
    hub_.large = {kModelFile};
  }

  void get(const std::vector<std::string>& paths, const TransferOptions& options = {}) {
    const auto client = hub_.client();
    download_to_cache(*client, hub_.cache.path(), hub_.tree(), paths, options);
  }
  std::string text(const std::string& path) const { return read_file(hub_.snapshot() / path); }
  fs::path partial() const { return hub_.blob(kModelFile).string() + ".incomplete"; }
  void leave_partial(const std::string& begin) const {
    hub_.cache.write(fs::relative(partial(), hub_.cache.path()).string(), begin);
  }
  // The answer to the first `times` requests for the model's bytes is changed.
  void spoil_model(int times, const std::function<void(HttpResponse&)>& change) {
    hub_.spoil = [left = times, change](const HttpRequest& request, HttpResponse& answer) mutable {
      if (request.url.starts_with(MemoryHub::kCdn) && left-- > 0) change(answer);
    };
  }
  std::vector<std::string> cdn_log() const {
    std::vector<std::string> out;
    for (const std::string& line : hub_.log) {
      if (line.starts_with("GET /model")) out.push_back(line);
    }
    return out;
  }

  MemoryHub hub_;
};

}  // namespace qk::download_test

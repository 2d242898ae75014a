#include "device/torch_plugin.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

#include "base/test_error.h"
#include "device/devices.h"

namespace qk {
namespace torch_plugin_test {

namespace fs = std::filesystem;

class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    ::setenv(name, value.c_str(), 1);
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;
  ~Variable() {
    if (before_) {
      ::setenv(name_, before_->c_str(), 1);
    } else {
      ::unsetenv(name_);
    }
  }

 private:
  const char* name_;
  std::optional<std::string> before_;
};

// What a plugin's file looks like from outside: no library, so loading it fails.
std::string marked(const std::string& version, const std::string& folder) {
  using namespace std::string_literals;
  return "\x7f"s + "ELF\0\n\0"s + QK_TORCH_MARK + version + "\n" + folder + "\0 and more\n"s;
}

class TorchPlugin : public testing::Test {
 protected:
  // A folder of torch as pip installs it.
  std::string torch(const std::string& name, const std::string& version) const {
    folder_.write(name + "/version.py",
                  "from typing import Optional\n\n"
                  "__all__ = ['__version__', 'debug', 'cuda', 'git_version', 'hip', 'xpu']\n"
                  "__version__ = '" +
                      version +
                      "'\ndebug = False\n"
                      "cuda: Optional[str] = '12.8.1'\nhip: Optional[str] = None\n");
    return (folder_ / name).string();
  }

  const TestFolder folder_;
  const Variable no_torch_{"QKSCOPE_TORCH_DIR", ""};
};

TEST_F(TorchPlugin, TheMarkIsReadFromTheFile) {
  const std::string file = folder_.write("plugin.so", marked("2.10.0", "/a folder/torch"));
  const TorchMark mark = read_torch_mark(file);
  EXPECT_EQ(mark.version, "2.10.0");
  EXPECT_EQ(mark.folder, "/a folder/torch");
}

TEST_F(TorchPlugin, FilesWithoutAWholeMarkAreNoPlugins) {
  const std::string whole = marked("2.9.1", "/torch");
  const size_t at = whole.find(QK_TORCH_MARK);
  const size_t version = at + std::string_view(QK_TORCH_MARK).size();
  for (const std::string& text :
       {std::string(), std::string("not a library\n"), whole.substr(0, at),
        whole.substr(0, version), whole.substr(0, whole.find('\n', version)),
        whole.substr(0, whole.find('\0', version)), marked("", "/torch"), marked("2.9", "/torch"),
        marked("2.9.1+cu128", "/torch"), marked("of no version", "/torch"),
        marked(std::string(300'000, '7'), "/torch")}) {
    const std::string file = folder_.write("plugin.so", text);
    const std::string said = error_of([&] { read_torch_mark(file); });
    EXPECT_EQ(said.find(file + ": expected qkscope's torch plugin, found another file"), 0) << said;
    EXPECT_EQ(said.find('\n'), std::string::npos) << said;
  }
}

TEST_F(TorchPlugin, VersionsOfTorchAsTheyAreReleased) {
  EXPECT_EQ(torch_version_in(torch("pip", "2.9.1+cu128")), "2.9.1+cu128");
  EXPECT_EQ(torch_version_in(torch("cpu", "2.10.0+cpu")), "2.10.0+cpu");
  EXPECT_EQ(torch_version_in(torch("rocm", "2.11.0+rocm7.2.1")), "2.11.0+rocm7.2.1");
  EXPECT_EQ(torch_version_in(torch("plain", "2.9.1")), "2.9.1");
  EXPECT_EQ(torch_version_in(torch("source", "2.9.1a0+git5811a8d")), "2.9.1a0+git5811a8d");
  folder_.write("libtorch/build-version", "2.9.1+cpu\n");
  EXPECT_EQ(torch_version_in(folder_ / "libtorch"), "2.9.1+cpu");
}

// Other numbers of the file are none of torch's.
TEST_F(TorchPlugin, TheVersionIsThatOfTheAssignment) {
  const auto version_in = [&](const std::string& text) {
    folder_.write("torch/version.py", text);
    return torch_version_in(folder_ / "torch");
  };
  EXPECT_EQ(version_in("# setuptools 80.9.0\ncuda = '12.8.1'\n__version__ = '2.9.1+cu128'\n"),
            "2.9.1+cu128");
  EXPECT_EQ(version_in("# for 2.9.1\n__version__ = \"2.11.0\"\n"), "2.11.0");
  EXPECT_EQ(version_in("__all__ = ['__version__']\n__version__: str = '2.10.0'\n"), "2.10.0");
  for (const std::string& text :
       {std::string("__version__ = '2.10'\ncuda = '12.8.1'\n"), std::string("cuda = '12.8.1'\n"),
        "__version__ = '" + std::string(300'000, '9') + "'\n"}) {
    EXPECT_NE(error_of([&] { version_in(text); }).find("version.py: expected a version of torch"),
              std::string::npos);
  }
}

TEST_F(TorchPlugin, AFolderWithoutAVersionIsRefusedByName) {
  const auto said_of = [&](const std::string& name) {
    return error_of([&] { torch_version_in(folder_ / name); });
  };
  EXPECT_NE(said_of("absent").find((folder_ / "absent").string() + ": expected a folder of torch"),
            std::string::npos);
  EXPECT_NE(said_of("absent").find("tools/setup --torch"), std::string::npos);
  folder_.write("garbage/version.py", "\xff\xfe not a version 1.2\n");
  EXPECT_EQ(said_of("garbage"), (folder_ / "garbage/version.py").string() +
                                    ": expected a version of torch, found none");
  folder_.write("empty/build-version", "");
  EXPECT_EQ(said_of("empty"), (folder_ / "empty/build-version").string() +
                                  ": expected a version of torch, found none");
}

// The file is no library: only a comparison made before it is loaded can speak of versions.
TEST_F(TorchPlugin, VersionsAreComparedBeforeAnythingIsLoaded) {
  const std::string torch_folder = torch("torch", "2.11.0+cu130");
  const std::string file = folder_.write("plugin.so", marked("2.9.1", torch_folder));
  EXPECT_EQ(
      error_of([&] { load_torch_plugin(file); }),
      file +
          ": expected torch 2.9.1, for which this plugin was built, found torch 2.11.0+cu130 in " +
          torch_folder + ": `tools/setup --torch " + torch_folder +
          "` and a new build make the plugin for it");
  for (const std::string version : {"2.9.10", "2.9.0", "12.9.1", "2.91.1"}) {
    const std::string said = error_of([&] {
      folder_.write("plugin.so", marked("2.9.1", torch("other", version)));
      load_torch_plugin(file);
    });
    EXPECT_NE(said.find("found torch " + version + " in "), std::string::npos) << said;
  }
}

TEST_F(TorchPlugin, TheEnvironmentNamesAnotherTorch) {
  const std::string file =
      folder_.write("plugin.so", marked("2.9.1", torch("built for", "2.9.1+cu128")));
  const Variable other("QKSCOPE_TORCH_DIR", torch("other", "2.10.0"));
  const std::string said = error_of([&] { load_torch_plugin(file); });
  EXPECT_NE(said.find("found torch 2.10.0 in " + (folder_ / "other").string()), std::string::npos)
      << said;
}

TEST_F(TorchPlugin, WhatCannotBeLoadedIsRefusedByName) {
  const std::string file =
      folder_.write("plugin.so", marked("2.9.1", torch("torch", "2.9.1+cu128")));
  EXPECT_EQ(error_of([&] { load_torch_plugin(file); }).find(file + ": cannot be loaded: "), 0);
  // A torch with the right version and no libraries.
  const std::string empty = torch("without libraries", "2.9.1");
  const Variable other("QKSCOPE_TORCH_DIR", empty);
  EXPECT_EQ(error_of([&] { load_torch_plugin(file); }).find(empty + "/lib/libc10.so: cannot be"),
            0);
}

TEST_F(TorchPlugin, ThePluginThatTheEnvironmentNames) {
  const std::string file = folder_.write("plugin.so", marked("2.9.1", "/torch"));
  {
    const Variable named("QKSCOPE_TORCH_PLUGIN", file);
    EXPECT_EQ(find_torch_plugin(), file);
  }
  {
    const fs::path before = fs::current_path();
    fs::current_path(folder_.path());
    const Variable named("QKSCOPE_TORCH_PLUGIN", "plugin.so");
    EXPECT_EQ(find_torch_plugin(), fs::current_path() / "plugin.so");  // dlopen needs the folder
    fs::current_path(before);
  }
  for (const std::string& nowhere : {(folder_ / "nowhere.so").string(), folder_.path().string()}) {
    const Variable named("QKSCOPE_TORCH_PLUGIN", nowhere);
    EXPECT_EQ(error_of([] { find_torch_plugin(); }),
              "QKSCOPE_TORCH_PLUGIN: expected the file " + nowhere + ", found none");
  }
}

TEST_F(TorchPlugin, OurOwnKernelsNeedNone) {
  const Variable named("QKSCOPE_TORCH_PLUGIN", (folder_ / "nowhere.so").string());
  const auto devices = open_devices("--device", parse_device("--device", "cpu"), {});
  EXPECT_EQ(devices->count(), 1);
  EXPECT_EQ(&devices->backend(0), &kCpuBackend);
  EXPECT_EQ(devices->name(), "cpu");
  EXPECT_EQ(devices->reason(), "as --device says");
  EXPECT_EQ(devices->problem(), "");
  EXPECT_EQ(devices->description(64), "");
  EXPECT_EQ(devices->memory(0).total_bytes, 0);
}

// A plugin that does not work is a reason, where nobody asked for it, and an error where somebody did.
TEST_F(TorchPlugin, AutoSaysWhyItTakesTheCpu) {
  const std::string torch_folder = torch("torch", "2.11.0");
  const std::string file = folder_.write("plugin.so", marked("2.9.1", torch_folder));
  const Variable named("QKSCOPE_TORCH_PLUGIN", file);
  const auto devices = open_devices("--device", parse_device("--device", "auto"), {});
  EXPECT_EQ(&devices->backend(0), &kCpuBackend);
  EXPECT_EQ(devices->name(), "cpu");
  EXPECT_EQ(devices->reason().find("auto: " + file + ": expected torch 2.9.1"), 0)
      << devices->reason();
  EXPECT_EQ(devices->problem().find("computing on the cpu: the torch plugin does not work: " +
                                    file + ": expected torch"),
            0)
      << devices->problem();
  for (const char* asked : {"torch:cpu", "cuda", "cuda:0,1", "cuda:all"}) {
    const std::string said =
        error_of([&] { open_devices("--device", parse_device("--device", asked), {}); });
    EXPECT_EQ(said.find(file + ": expected torch 2.9.1"), 0) << said;
  }
}

}  // namespace torch_plugin_test
}  // namespace qk

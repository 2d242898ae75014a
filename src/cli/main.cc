#include <cstdio>
#include <exception>
#include <filesystem>
#include <new>

#include "base/error.h"
#include "base/path_text.h"
#include "base/stopped.h"
#include "cli/command_line.h"
#include "cli/standard_streams.h"
#include "cli/stop_signal.h"

// Exit codes: 0 success; 1 user error, or a failed check; 2 a bug in Qkscope; 75 stopped by
// a signal; it can be continued.
int main(int argc, char** argv) {
  qk::open_standard_streams();
  try {
    return qk::finish_stdout(qk::run_command_line(argc, argv));
  } catch (const qk::Error& error) {
    std::fprintf(stderr, "qkscope: %s\n", error.what());
    return 1;
  } catch (const std::filesystem::filesystem_error& error) {
    const bool is_named = !error.path1().empty();
    std::fprintf(stderr, "qkscope: %s: %s\n",
                 is_named ? qk::path_text(error.path1()).c_str() : "the current folder",
                 error.code().message().c_str());
    return 1;
  } catch (const qk::Stopped&) {
    std::fputs("qkscope: stopped; the same command goes on from here\n", stderr);
    return qk::kExitStopped;
  } catch (const std::bad_alloc&) {
    std::fputs("qkscope: not enough memory\n", stderr);
    return 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "qkscope: bug: %s\n", error.what());
    return 2;
  }
}

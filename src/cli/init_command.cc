#include "cli/init_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "arch/registry.h"
#include "base/atomic_file.h"
#include "base/error.h"
#include "base/home_path.h"
#include "base/number_text.h"
#include "base/path_text.h"
#include "base/utf8.h"
#include "capture/prepared_run.h"
#include "cli/common_options.h"
#include "cli/hub_session.h"
#include "corpus/corpus_columns.h"
#include "corpus/glob.h"
#include "draft/draft_yaml.h"
#include "draft/length_sample.h"
#include "draft/settings.h"

namespace qk {
namespace {

struct InitFlags {
  std::string model, corpus;
  std::string output = "run.yaml";
  std::string data_root;
  std::string split = "train";
  std::string subset, text_column, id_column;
  double seconds = SampleLimits{}.seconds;
  bool overwrite = false;
  bool quiet = false;
};

constexpr const char* kInitExamples = R"(
Examples:
  qkscope init my-model my-corpus
  qkscope init org/model org/corpus --split test -o model.yaml --out data/model
  qkscope sniff run.yaml --dry-run                  then: what the run would take

Reads the model's configuration and tokenizer, and enough of the corpus to know how long its documents
are; downloads no weights. The file is commented: why each value, how long the documents are, and how many
rows, tokens and bytes the capture takes. A model or corpus on the Hub is REPO or REPO@REVISION. The same
inputs give the same file, unless --seconds ends the reading.)";

void require_utf8(const std::string& name, const std::string& text) {
  if (!first_invalid_utf8(text)) return;
  fail("init: {}: expected a name in UTF-8, found {}", name, printable(text, 300));
}

// A path, or REPO@REVISION of the Hub.
void name_model(const std::string& text, SniffConfig& config) {
  config.model.name = text;
  if (find_on_disk(text)) return;
  const RepoName name = parse_repo_name("init: model", RepoKind::kModel, text);
  config.model.name = name.text;
  if (name.text != text) config.model.revision = name.revision;
}

void name_corpus(const std::string& text, CorpusConfig& dataset) {
  dataset.path = text;
  if (find_on_disk(text) || has_wildcards(text)) return;
  const RepoName name = parse_repo_name("init: corpus", RepoKind::kDataset, text);
  dataset.path = name.text;
  if (name.text != text) dataset.revision = name.revision;
}

// "out/my-model" for "models/my-model.gguf".
std::string usual_output(const std::string& model) {
  std::filesystem::path path = model;
  if (path.filename().empty()) path = path.parent_path();
  std::string name = path.extension() == ".gguf" ? path.stem().string() : path.filename().string();
  for (char& c : name) {
    const bool is_safe =
        std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.';
    if (!is_safe) c = '-';
  }
  const bool is_name = name.find_first_not_of('.') != std::string::npos;
  return "out/" + (is_name ? name : "capture");
}

void refuse_missing_folder(const std::filesystem::path& file) {
  std::error_code error;
  const std::filesystem::path folder = file.parent_path();
  if (folder.empty() || std::filesystem::is_directory(folder, error)) return;
  fail("init: {}: there is no folder {}", path_text(file), path_text(folder));
}

void refuse_existing(const std::filesystem::path& file, bool overwrite) {
  std::error_code error;
  if (overwrite || !std::filesystem::exists(std::filesystem::symlink_status(file, error))) return;
  fail("init: {} is there already: --overwrite replaces it, -o names another file",
       path_text(file));
}

SniffConfig first_config(const InitFlags& flags, Resolver& resolver) {
  SniffConfig config;
  name_model(flags.model, config);
  config.tokenizer.max_length = 1;  // chosen later: nothing is to be said about it now
  CorpusConfig& dataset = config.dataset;
  name_corpus(flags.corpus, dataset);
  dataset.split = flags.split;
  if (!flags.subset.empty()) dataset.name = flags.subset;
  dataset.text_column = flags.text_column;
  std::string id_column = flags.id_column;
  if (flags.text_column.empty() || flags.id_column.empty()) {
    const std::vector<CorpusColumn> columns = corpus_columns(dataset, resolver);
    if (flags.text_column.empty()) dataset.text_column = find_text_column(columns);
    if (flags.id_column.empty()) id_column = find_id_column(columns);
  }
  if (!id_column.empty() && id_column != dataset.text_column) dataset.id_column = id_column;
  config.output.data_root =
      flags.data_root.empty() ? usual_output(config.model.name) : flags.data_root;
  return config;
}

std::string done_text(const Draft& draft, const std::filesystem::path& file) {
  std::string out = fmt::format("Wrote     {}\n", path_text(file));
  out += fmt::format("Captures  {} and {}, about {} rows, {} before compression\n",
                     plural(draft.plan.num_query_heads, "query head"),
                     plural(draft.plan.num_key_heads, "key head"),
                     count_text(std::llround(draft.rows)), bytes_text(draft.bytes));
  return out + fmt::format("Next      qkscope sniff {} --dry-run\n", path_text(file));
}

void require_arguments(const InitFlags& flags) {
  for (const auto& [name, text] : {std::pair{"model", flags.model}, {"corpus", flags.corpus}}) {
    if (text.empty()) {
      fail("init: no {} was given: type `qkscope init MODEL CORPUS` (see qkscope init --help)",
           name);
    }
    require_utf8(name, text);
  }
  require_utf8("--out", flags.data_root);
}

int write_first_config(const InitFlags& flags) {
  require_arguments(flags);
  const std::filesystem::path file = expand_home(flags.output);
  refuse_missing_folder(file);
  refuse_existing(file, flags.overwrite);
  HubSession hub({.quiet = flags.quiet});
  const SniffConfig config = first_config(flags, hub.resolver());
  const PreparedRun run = prepare_run(config, registry(), hub.resolver(), /*plan_only=*/true);
  hub.end();
  for (const std::string& warning : run.config.warnings) {
    std::fprintf(stderr, "qkscope: warning: %s\n", warning.c_str());
  }
  SampleLimits limits;
  limits.seconds = flags.seconds;
  const LengthSample lengths = sample_lengths(*run.corpus, run.tokenizer, limits);
  if (lengths.out_of_time) {
    std::fprintf(stderr,
                 "qkscope: warning: --seconds %g were over after %s: the settings are for these\n",
                 flags.seconds, plural(std::ssize(lengths.tokens), "document").c_str());
  }
  const Draft draft = draft_settings(run.config, run.model, lengths);
  for (const std::string& warning : draft.warnings) {
    std::fprintf(stderr, "qkscope: warning: %s\n", warning.c_str());
  }
  write_file(file, draft_yaml(draft, lengths));
  QK_CHECK(config_json(load_config(file)) == config_json(draft.config));
  std::fputs(done_text(draft, file).c_str(), stdout);
  return 0;
}

void add_init_inputs(CLI::App& command, InitFlags& flags) {
  command.add_option("model", flags.model, "Checkpoint folder, GGUF file, or model of the Hub")
      ->type_name("MODEL")
      ->group(kInputGroup);
  command
      .add_option("corpus", flags.corpus,
                  "File, folder or pattern of documents, or dataset of the Hub")
      ->type_name("CORPUS")
      ->group(kInputGroup);
  command.add_option("--split", flags.split, "Split of the corpus (default: train)")
      ->type_name("NAME")
      ->group(kInputGroup);
  command.add_option("--subset", flags.subset, "Configuration of the corpus (dataset.name)")
      ->type_name("NAME")
      ->group(kInputGroup);
  command
      .add_option("--text-column", flags.text_column,
                  "Column with the documents (default: text, else the one with the longest texts)")
      ->type_name("NAME")
      ->group(kInputGroup);
  command
      .add_option("--id-column", flags.id_column,
                  "Column with their ids (default: the first of id, _id, example_id, ...)")
      ->type_name("NAME")
      ->group(kInputGroup);
  command
      .add_option("--seconds", flags.seconds,
                  "Longest time for reading documents (default: 30; 256 MiB of text at most)")
      ->type_name("SECONDS")
      ->check(seconds_above_0())
      ->group(kResourcesGroup);
}

void add_init_outputs(CLI::App& command, InitFlags& flags) {
  command.add_option("-o,--output", flags.output, "File to write (default: run.yaml)")
      ->type_name("FILE")
      ->check(not_empty())
      ->group(kOutputGroup);
  command
      .add_option("--out", flags.data_root,
                  "Folder of the dataset, output.data_root (default: out/ and the model's name)")
      ->type_name("DIR")
      ->group(kOutputGroup);
  command.add_flag("--overwrite", flags.overwrite, "Replace the file if it is there")
      ->group(kOutputGroup);
  command.add_flag("--quiet", flags.quiet, "Show no progress")->group(kOutputGroup);
}

}  // namespace

void add_init_command(CLI::App& app, int& exit_code) {
  const auto flags = std::make_shared<InitFlags>();
  CLI::App* command =
      app.add_subcommand("init", "Write a first configuration for a model and a corpus");
  add_init_inputs(*command, *flags);
  add_init_outputs(*command, *flags);
  command->footer(kInitExamples);
  command->callback([flags, &exit_code] { exit_code = write_first_config(*flags); });
}

}  // namespace qk

#include "cli/man_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <span>
#include <sstream>
#include <string_view>

#include "base/build_info.h"
#include "cli/manual.h"

namespace qk {
namespace {

// Text as roff prints it: also at the beginning of a line, where a full stop or an apostrophe would
// be a request.
std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool begins = out.empty() || out.back() == '\n';
    if (begins && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  return out;
}

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

std::string hyphenated(const DeclaredCommand& command) {
  return fmt::format("{}", fmt::join(command.path, "-"));
}

void add_section(std::string& out, const std::string& heading) {
  out += ".SH " + upper(heading) + "\n";
}

void add_term(std::string& out, const std::string& term, const std::string& text) {
  out += ".TP\n" + term + "\n" + roff(text) + "\n";
}

std::string bold(const std::string& text) { return "\\fB" + roff(text) + "\\fR"; }
std::string italic(const std::string& text) { return "\\fI" + roff(text) + "\\fR"; }

std::string option_term(const DeclaredOption& option) {
  std::string out;
  for (const std::string& name : option.names) {
    out += (out.empty() ? "" : ", ") + bold(name);
  }
  if (option.names.empty()) return italic(option.type);
  return option.takes_value() ? out + " " + italic(option.type) : out;
}

// In the order in which the groups come first.
void add_options(std::string& out, const DeclaredCommand& command, const char* macro) {
  std::vector<std::string> groups;
  for (const DeclaredOption& option : command.options) {
    if (std::find(groups.begin(), groups.end(), option.group) == groups.end()) {
      groups.push_back(option.group);
    }
  }
  for (const std::string& group : groups) {
    if (groups.size() > 1) out += fmt::format("{} {}\n", macro, roff(group));
    for (const DeclaredOption& option : command.options) {
      if (option.group == group) add_term(out, option_term(option), option.help);
    }
  }
}

void add_synopsis(std::string& out, const DeclaredCommand& command) {
  out += bold(command.name());
  if (!command.commands.empty()) out += " " + italic("COMMAND");
  if (!command.options.empty()) out += " [" + italic("OPTION") + " ...]";
  for (const DeclaredOption& option : command.options) {
    if (!option.is_positional) continue;
    out += " [" + italic(option.type) + (option.repeats ? " ...]" : "]");
  }
  out += "\n";
}

// Indented lines are shown as they are, others are paragraphs. Lines of a paragraph are filled.
void add_footer(std::string& out, const std::string& footer) {
  bool shows = false;
  bool is_first = true;
  std::istringstream lines(footer);
  for (std::string line; std::getline(lines, line);) {
    const bool is_example = line.starts_with("  ");
    if (is_example != shows) out += is_example ? ".PP\n.nf\n" : ".fi\n.PP\n";
    shows = is_example;
    if (line.empty()) {
      if (!shows && !is_first) out += ".PP\n";
      continue;
    }
    is_first = false;
    out += roff(line) + "\n";
  }
  if (shows) out += ".fi\n";
}

// Without a heading of their own: what follows "Examples:" is under that of the page.
std::string without_heading(std::string footer) {
  footer.erase(0, footer.find_first_not_of('\n'));
  if (footer.starts_with("Examples:\n")) footer.erase(0, std::string_view("Examples:\n").size());
  return footer;
}

// ".PP" before a heading, twice, or at the beginning of a section says nothing.
std::string without_empty_paragraphs(const std::string& text) {
  std::string out;
  std::istringstream lines(text);
  std::string held;
  bool after_heading = false;
  for (std::string line; std::getline(lines, line);) {
    const bool is_heading = line.starts_with(".SH") || line.starts_with(".SS");
    if (line == ".PP") {
      if (!after_heading) held = ".PP\n";
      continue;
    }
    if (!is_heading && line != ".TP") out += held;
    held.clear();
    out += line + "\n";
    after_heading = is_heading;
  }
  return out;
}

void add_entries(std::string& out, const char* heading, std::span<const ManualEntry> entries) {
  add_section(out, heading);
  for (const ManualEntry& entry : entries) {
    add_term(out, bold(entry.name), std::string(entry.text) + ".");
  }
}

std::string page_head(const DeclaredCommand& command) {
  std::string out = fmt::format(".TH {} 1 \"\" \"Qkscope {}\" \"Qkscope\"\n",
                                roff(upper(hyphenated(command))), roff(version()));
  out += ".nh\n.ad l\n";
  add_section(out, "Name");
  std::string about = command.about;
  std::replace(about.begin(), about.end(), '\n', ' ');
  out += roff(hyphenated(command)) + " \\- " + roff(about) + "\n";
  add_section(out, "Synopsis");
  return out;
}

void add_see_also(std::string& out, const std::vector<std::string>& pages) {
  add_section(out, "See also");
  for (const std::string& page : pages) {
    out += ".BR " + roff(page) + " (1)" + (page == pages.back() ? "" : ",") + "\n";
  }
}

ManPage program_page(const DeclaredCommand& program) {
  std::string out = page_head(program);
  add_synopsis(out, program);
  add_section(out, "Commands");
  std::vector<std::string> pages;
  for (const DeclaredCommand& command : program.commands) {
    pages.push_back(hyphenated(command));
    add_term(out, bold(command.path.back()), command.about + ".");
  }
  add_section(out, "Options");
  add_options(out, program, ".SS");
  add_section(out, "Examples");
  std::string footer = program.footer;
  if (footer.ends_with(exit_codes_text())) footer.resize(footer.size() - exit_codes_text().size());
  add_footer(out, without_heading(footer));
  add_entries(out, "Exit status", exit_codes());
  add_entries(out, "Environment", environment_variables());
  add_entries(out, "Files", known_files());
  add_see_also(out, pages);
  return {hyphenated(program) + ".1", without_empty_paragraphs(out)};
}

ManPage command_page(const DeclaredCommand& command, const std::string& program) {
  std::string out = page_head(command);
  if (command.commands.empty()) {
    add_synopsis(out, command);
    add_section(out, "Options");
    add_options(out, command, ".SS");
  } else {
    for (const DeclaredCommand& below : command.commands) {
      if (&below != &command.commands.front()) out += ".br\n";
      add_synopsis(out, below);
    }
    add_section(out, "Commands");
    for (const DeclaredCommand& below : command.commands) {
      out += ".SS " + roff(below.name()) + "\n" + roff(below.about) + ".\n";
      for (const DeclaredOption& option : below.options) {
        add_term(out, option_term(option), option.help);
      }
    }
  }
  if (!command.footer.empty()) {
    add_section(out, "Examples");
    add_footer(out, without_heading(command.footer));
  }
  add_entries(out, "Exit status", exit_codes());
  add_see_also(out, {program});
  return {hyphenated(command) + ".1", without_empty_paragraphs(out)};
}

}  // namespace

std::vector<ManPage> man_pages(const DeclaredCommand& program) {
  std::vector<ManPage> out = {program_page(program)};
  for (const DeclaredCommand& command : program.commands) {
    out.push_back(command_page(command, hyphenated(program)));
  }
  out.push_back({"sniff-qk.1", ".so man1/qkscope-sniff.1\n"});
  return out;
}

}  // namespace qk

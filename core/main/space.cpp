// SPDX-License-Identifier: Apache-2.0
// atoll space check | rebuild | snapshot | restore | confirm | names | move
#include <cstdio>
#include <filesystem>

#include "core/base/text.hpp"
#include "core/main/commands.hpp"
#include "core/main/exit_code.hpp"
#include "core/main/print.hpp"
#include "core/main/remote.hpp"

namespace Atoll::command {
namespace {

// What `space check` gives to monitoring: its own codes. A space that is not there is kNotThere.
enum CheckCode : int { kClean = 0, kFound = 1, kWrongLine = 2, kCannotTell = 3 };

std::string absolute_folder(const std::string &path) {
  std::error_code failure;
  const auto full = std::filesystem::absolute(path, failure);
  return failure ? path : full.lexically_normal().string();
}

std::string care_request(const Arguments &arguments, std::string_view verb) {
  std::string out;
  base::JsonWriter json(out);
  json.begin_object().field("verb", verb);
  if (!arguments.words.empty()) json.field("name", arguments.words[0]);
  if (verb == "space.move")
    json.field("provider", arguments.words[1]);
  else if (verb == "space.names" && arguments.words.size() > 1)
    json.field("rule", arguments.words[1]);
  else if (arguments.words.size() > 1)
    json.field("folder", absolute_folder(arguments.words[1]));
  if (arguments.words.size() > 2) json.field("path", arguments.words[2]);
  if (arguments.has("--repair")) json.field("repair", true);
  if (arguments.has("--rate")) json.field("rate", base::parse_u64(arguments.options.at("--rate")).value_or(0));
  json.end_object();
  return out;
}

struct Count {
  const char *code;  ///< in the answer
  const char *many;  ///< "files"; the same without its last letter for one. Or an adjective that stays as it is
  bool noun = true;
};

/// Counts of the first space of the answer, as "3 files, 1 folder".
std::string counts(const base::JsonObject &answer, std::initializer_list<Count> wanted) {
  const auto spaces = base::json_array(answer, "spaces");
  if (!spaces || spaces->size() == 0) return "done";
  std::string out;
  for (const Count &one : wanted) {
    const auto count = static_cast<std::uint64_t>(base::json_integer(spaces->getObject(0), one.code).value_or(0));
    out += out.empty() ? "" : ", ";
    out += one.noun ? counted(count, one.many) : std::to_string(count) + " " + one.many;
  }
  return out;
}

int care(const Arguments &arguments, std::string_view verb, const char *said, std::initializer_list<Count> wanted) {
  const auto answer = ask_or_do_long(arguments, care_request(arguments, verb), [](const base::JsonObject &) {});
  if (!answer) return report(answer);
  std::printf("%s: %s%s\n", arguments.words[0].c_str(), said, counts(*answer, wanted).c_str());
  return kDone;
}

/// The last line of a check that could not begin, or was broken off.
base::JsonObject summary(const std::string &error) {
  base::JsonObject out = new Poco::JSON::Object;
  out->set("kind", "summary");
  out->set("error", error);
  return out;
}

}  // namespace

int space_check(const Arguments &arguments) {
  if (arguments.has("--rate")) {
    const auto rate = base::parse_u64(arguments.options.at("--rate"));
    if (!rate || *rate == 0 || *rate > 1'000'000'000) {
      complain("--rate is a number of entries per second, for example --rate 1000");
      return kWrongLine;
    }
  }
  const bool json = arguments.has("--json");
  const auto hear = [&](const base::JsonObject &line) {
    if (!line || text(line, "kind") != "finding") return;
    if (json) {
      print_json_line(line);
      return;
    }
    std::printf("%s: %s%s %s (%s)\n", text(line, "space").c_str(), text(line, "code").c_str(),
                text(line, "repaired") == "true" ? " (repaired)" : "", text(line, "path").c_str(),
                text(line, "text").c_str());
    std::fflush(stdout);
  };
  const auto answer = ask_or_do_long(arguments, care_request(arguments, "space.check"), hear);
  if (!answer) {
    const bool no_such = answer.status() == Status::NotFound;
    if (json) print_json_line(summary(answer.error().message));
    complain((no_such ? "" : "cannot tell: ") + answer.error().message);
    if (no_such) return kNotThere;
    return answer.status() == Status::InvalidArgument ? kWrongLine : kCannotTell;
  }
  std::uint64_t findings = 0;
  bool all_told = true;
  const auto spaces = base::json_array(*answer, "spaces");
  for (unsigned i = 0; spaces && i < spaces->size(); ++i) {
    const auto space = spaces->getObject(i);
    const auto count = [&](const char *name) {
      return static_cast<std::uint64_t>(base::json_integer(space, name).value_or(0));
    };
    findings += count("findings");
    const std::string alias = text(space, "alias"), shown = alias.empty() ? text(space, "id") : alias;
    if (const std::string failure = text(space, "error"); !failure.empty()) {
      all_told = false;
      complain(shown + ": cannot tell: " + failure);
      continue;
    }
    if (json) continue;
    std::printf("%s: %s, %s, %llu repaired\n", shown.c_str(), counted(count("nodes"), "nodes").c_str(),
                counted(count("findings"), "findings").c_str(), static_cast<unsigned long long>(count("repaired")));
    const std::string undo = text(space, "undo_log");
    if (!undo.empty()) std::printf("%s: what was there before is in %s\n", shown.c_str(), undo.c_str());
  }
  if (json) {
    base::JsonObject last = *answer;
    last->set("kind", "summary");
    last->set("findings", Poco::UInt64{findings});
    print_json_line(last);
  } else if (!spaces || spaces->size() == 0) {
    std::printf("there is no space to check\n");
  }
  if (!all_told) return kCannotTell;
  return findings == 0 ? kClean : kFound;
}

int space_rebuild(const Arguments &arguments) { return care(arguments, "space.rebuild", "indexed anew", {}); }
int space_snapshot(const Arguments &arguments) {
  return care(arguments, "space.snapshot", "", {{"files", "files"}, {"folders", "folders"}, {"bytes", "bytes"}});
}
int space_restore(const Arguments &arguments) {
  return care(arguments, "space.restore", "",
              {{"written", "written", false},
               {"moved", "moved", false},
               {"removed", "removed", false},
               {"same", "same", false}});
}
int space_move(const Arguments &arguments) {
  const auto answer = ask_or_do_long(arguments, care_request(arguments, "space.move"), [](const base::JsonObject &) {});
  if (!answer) return report(answer);
  const char *const name = arguments.words[0].c_str();
  std::printf("%s: moved: %s\n", name,
              counts(*answer, {{"files", "files"},
                               {"folders", "folders"},
                               {"bytes", "bytes"},
                               {"trash", "trashed items"},
                               {"versions", "versions"}})
                  .c_str());
  const auto spaces = base::json_array(*answer, "spaces");
  const auto space = spaces && spaces->size() > 0 ? spaces->getObject(0) : base::JsonObject();
  if (const std::string place = space ? text(space, "left_in") : std::string(); !place.empty())
    std::printf("%s: not moved: %s symbolic links, special files or names that are not UTF-8; they are kept in %s\n",
                name, text(space, "left").c_str(), place.c_str());
  return kDone;
}
int space_names(const Arguments &arguments) {
  const auto answer =
      ask_or_do_long(arguments, care_request(arguments, "space.names"), [](const base::JsonObject &) {});
  if (!answer) return report(answer);
  const auto spaces = base::json_array(*answer, "spaces");
  std::printf("%s\n", spaces && spaces->size() > 0 ? text(spaces->getObject(0), "names").c_str() : "unknown");
  return kDone;
}
int space_confirm(const Arguments &arguments) {
  return care(arguments, "space.confirm", "what disappeared is taken to be gone, and its entries are removed", {});
}

}  // namespace Atoll::command

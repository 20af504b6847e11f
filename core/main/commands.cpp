// SPDX-License-Identifier: Apache-2.0
#include "core/main/commands.hpp"

namespace Atoll::command {
namespace {

constexpr Option kHelp{"--help", "", "Show this help."};
constexpr Option kConfig{"--config", "FILE", "Configuration file; conf.d/*.ini beside it are read too."};
constexpr Option kData{"--data", "DIR", "Data folder, instead of the configured one."};
constexpr Option kDevel{"--devel", "",
                        "Take plugins from ATOLL_PLUGIN_PATH too, and files that their group may write."};
constexpr Option kJson{"--json", "", "Print JSON."};

constexpr std::string_view kRemote =
    "Asks the server that runs on the data folder. --data or --config tell which one if it isn't the default.";
constexpr std::string_view kRemoteOrOffline =
    "Asks the server that runs on the data folder. When none runs, the command locks the data and does the work "
    "itself; "
    "it then needs the same --config as the server has.";

const std::vector<Command> &table() {
  static const std::vector<Command> all = {
      {"serve",
       "",
       0,
       0,
       "Run the server in the foreground.",
       "Without a configuration file the server uses what is built in: accounts, spaces and files below the data "
       "folder, "
       "on 127.0.0.1:9200. It logs to standard output. SIGTERM and SIGINT finish running requests and stop; SIGHUP "
       "reads the configuration again.\n\n"
       "On the first start an account 'admin' is made. Its password is ATOLL_ADMIN_PASSWORD if that is set; otherwise "
       "one is made up and printed once.\n\n"
       "Every key can be set by the environment: ATOLL__STORAGE__HOME__ROOT is [storage:home] root.",
       {kConfig,
        kData,
        {"--listen", "ADDR:PORT", "Where clients connect, instead of the configured address."},
        {"--metrics-listen", "ADDR:PORT", "Where /healthz, /readyz and /metrics are; 'off' for nowhere."},
        kDevel,
        kHelp},
       serve},
      {"config check",
       "",
       0,
       0,
       "Tell what is wrong with the configuration.",
       "Prints every error with file, line and, where there is one, the nearest right name. Starts nothing.",
       {kConfig, kData, kDevel, kHelp},
       config_check},
      {"config show",
       "",
       0,
       0,
       "Print all values and where each comes from.",
       "Secrets are not shown.",
       {kConfig, kData, kDevel, kHelp},
       config_show},
      {"config keys",
       "",
       0,
       0,
       "Print all keys of the server and of the installed plugins.",
       "",
       {{"--markdown", "", "As Markdown tables (the only form)."}, kDevel, kHelp},
       config_keys},
      {"plugin list",
       "",
       0,
       0,
       "List the installed plugins.",
       "Each is looked at in a sandboxed child process.",
       {kJson, kDevel, kHelp},
       plugin_list},
      {"plugin show",
       "FILE",
       1,
       1,
       "Show what a plugin says about itself.",
       "FILE is a path, or the name of an installed plugin. It is loaded in a sandboxed child process that can "
       "neither write nor reach the network.",
       {kJson, kDevel, kHelp},
       plugin_show},
      {"instance list",
       "",
       0,
       0,
       "List the instances of the running server and their states.",
       kRemote,
       {kJson, kData, kConfig, kHelp},
       instance_list},
      {"instance start",
       "NAME",
       1,
       1,
       "Start an instance, for example storage:home.",
       kRemote,
       {kData, kConfig, kHelp},
       instance_start},
      {"instance stop",
       "NAME",
       1,
       1,
       "Stop an instance; its paths answer 503 meanwhile.",
       kRemote,
       {kData, kConfig, kHelp},
       instance_stop},
      {"instance restart",
       "NAME",
       1,
       1,
       "Stop and start an instance, with the configuration last read.",
       kRemote,
       {kData, kConfig, kHelp},
       instance_restart},
      {"user add",
       "NAME",
       1,
       1,
       "Make an account.",
       kRemoteOrOffline,
       {{"--display-name", "TEXT", "Name as shown to others."},
        {"--mail", "ADDRESS", "Mail address."},
        {"--admin", "", "May manage everything."},
        {"--password-stdin", "", "Read the password from standard input; otherwise one is made up and printed."},
        kData,
        kConfig,
        kDevel,
        kHelp},
       user_add},
      {"user list",
       "",
       0,
       0,
       "List the accounts.",
       kRemoteOrOffline,
       {kJson, kData, kConfig, kDevel, kHelp},
       user_list},
      {"user passwd",
       "NAME",
       1,
       1,
       "Set a new password.",
       "The app tokens of the account end with it: whoever had the account is out.",
       {{"--password-stdin", "", "Read the password from standard input; otherwise one is made up and printed."},
        kData,
        kConfig,
        kDevel,
        kHelp},
       user_passwd},
      {"user remove",
       "NAME",
       1,
       1,
       "Remove an account.",
       "It can no longer log in, and its memberships end at once. Its personal space is disabled with all files in it, "
       "for "
       "an admin to restore or to purge. Project spaces stay; one that nobody manages any more is left to the space "
       "admins. "
       "One enabled admin remains: the last one cannot be removed.",
       {{"--purge", "", "End the personal space with all its files, too; nothing brings them back."},
        kData,
        kConfig,
        kDevel,
        kHelp},
       user_remove},
      {"user tokens",
       "NAME",
       1,
       1,
       "List the app tokens of an account, or remove them.",
       "App tokens are passwords of programs. They end with their time, with the account, when they are removed and "
       "when "
       "an admin sets a new password (user passwd); while the account is disabled they do not work.",
       {{"--remove", "ID", "End the token with this id; 'all' ends all of them."},
        kJson,
        kConfig,
        kData,
        kDevel,
        kHelp},
       user_tokens},
      {"user import",
       "FILE",
       1,
       1,
       "Make accounts and groups from a CSV or LDIF file: all or none.",
       "CSV: the first line names the columns, of which only name is needed: kind (user or group), name, display_name, "
       "mail, given_name, surname, language, role (admin, space admin, user, user light), enabled and guest (yes, no), "
       "expires (2030-01-31T12:00:00Z or never), groups (with ; between them; those that are missing are made), "
       "description, "
       "id, "
       "password. An empty field is as if it were not there.\n\n"
       "LDIF: inetOrgPerson with uid, cn, displayName, mail, givenName, sn, preferredLanguage, userPassword (plain "
       "text), "
       "memberOf and entryUUID, and groupOfNames with cn, description and member. atollRole, atollEnabled, atollGuest "
       "and "
       "atollExpires are as the columns. Other attributes and entries are left out. Entries may stand in any order.\n\n"
       "What is wrong is told with its line, and then nothing is changed. FILE - is standard input.",
       {{"--format", "FORMAT", "csv or ldif; else as the file's name ends."},
        {"--dry-run", "", "Only say what is wrong."},
        {"--update", "",
         "An account that is there takes what the file says and keeps the rest, memberships too; else it is wrong."},
        kData,
        kConfig,
        kDevel,
        kHelp},
       user_import},
      {"user export",
       "[FILE]",
       0,
       1,
       "Write all accounts and groups as CSV or LDIF, without passwords.",
       "FILE must not exist; without it, standard output.",
       {{"--format", "FORMAT", "csv or ldif; else as the file's name ends, else csv."}, kData, kConfig, kDevel, kHelp},
       user_export},
      {"space list",
       "",
       0,
       0,
       "List the spaces.",
       kRemoteOrOffline,
       {kJson, kData, kConfig, kDevel, kHelp},
       space_list},
      {"space check",
       "[SPACE]",
       0,
       1,
       "Compare files, index and records of a space, or of all.",
       "SPACE is an id, an alias such as personal/einstein, or a name. The server goes on serving. Without --repair "
       "nothing is changed; with it, what was there before is written into an undo log first. What another program "
       "changed a moment ago and the server has not taken over yet is found as well.\n\n"
       "With --json each line is one object: {\"kind\": \"finding\", ...} for what was found, and {\"kind\": "
       "\"summary\", ...} last.\n\n"
       "Exit code 0: nothing is wrong. 1: something was found, repaired or not. 2: the command line is wrong. 3: it "
       "cannot be told now, at least not of all spaces. 67: there is no such space.",
       {{"--repair", "", "Put right what can be."},
        {"--rate", "N", "Look at N entries per second, on average."},
        {"--json", "", "Print each finding, and in the end the counts, as one JSON object a line."},
        kData,
        kConfig,
        kDevel,
        kHelp},
       space_check,
       2},
      {"space rebuild",
       "SPACE",
       1,
       1,
       "Make the index of a space anew from its files.",
       "The space answers 503 until it is done. Ids and the etags of files stay as they are kept with the files; sync "
       "clients list again and transfer nothing. Stopping the command does not stop it. A file without an id on the "
       "disk "
       "gets a new one: check with --repair first. When more of the files are gone than may be, the space goes on "
       "answering 503, see space confirm.",
       {kData, kConfig, kDevel, kHelp},
       space_rebuild},
      {"space snapshot",
       "SPACE DIR",
       2,
       2,
       "Write one state of a space into a folder, while it is served.",
       "DIR is a folder of the server's machine that is missing or empty and that the server may write to, not inside "
       "of the storage. DIR/files is the plain tree, DIR/manifest.jsonl has ids, times, checksums and properties, and "
       "DIR/snapshot.json comes last: without it the snapshot is not whole. Trash, versions and locks are not part of "
       "it.",
       {kData, kConfig, kDevel, kHelp},
       space_snapshot},
      {"space restore",
       "SPACE DIR [PATH]",
       2,
       3,
       "Bring back a space, a folder or a file from a snapshot.",
       "PATH is below the space. What was moved or is in the trash comes back to its place as the same node; what the "
       "snapshot lacks is removed, into the trash if there is one. Locks do not hold it up. Sync clients are told by a "
       "new data fingerprint, so that they keep newer local files. A restore that was stopped is run again.",
       {kData, kConfig, kDevel, kHelp},
       space_restore},
      {"space confirm",
       "SPACE",
       1,
       1,
       "Say that the files that disappeared from the disk are meant to be gone.",
       "When a large part of a space is gone at once beside the server, nothing is removed and the space answers 503 "
       "with the reason. Is a file system not mounted? Then mount it, and the space is served again by itself. If the "
       "files are meant to be gone, this command says so, and they are removed for the clients too.",
       {kData, kConfig, kDevel, kHelp},
       space_confirm},
      {"space names",
       "SPACE [exact|unique]",
       1,
       2,
       "Show or set what a space does about names that differ only in case.",
       "Or only in the normal form of Unicode. exact: they are different names. unique: a second one in the same "
       "folder "
       "is refused, for clients whose file systems take such names for one. A space that has such names cannot be set "
       "to unique; some of them are told, rename them first. What other programs make later is shown as it is. New "
       "spaces get what the storage's key names says.",
       {kData, kConfig, kDevel, kHelp},
       space_names},
      {"space move",
       "SPACE STORAGE",
       2,
       2,
       "Move a space to another storage while it is served.",
       "STORAGE is the section of the configuration that names it, such as storage:archive; both are of the same "
       "plugin. Contents are copied while the space is used; in the end changes are answered with 503 for as long as "
       "it "
       "takes to copy the last ones and to write the index, and reading goes on. Ids, etags, properties, trash, "
       "versions, locks and the quota stay, so sync clients transfer nothing. A move that was stopped has not "
       "happened; "
       "after a crash the space is where atoll space list says.",
       {kData, kConfig, kDevel, kHelp},
       space_move},
      {"upload list",
       "[SPACE]",
       0,
       1,
       "List unfinished uploads of a space, or of all.",
       "SPACE is an id, an alias such as personal/einstein, or a name. An unfinished upload counts with its announced "
       "size against the quota of its space; clients can go on with it until it expires (upload_expiry of the "
       "storage).",
       {kJson, kData, kConfig, kDevel, kHelp},
       upload_list},
      {"upload clean",
       "[SPACE]",
       0,
       1,
       "Remove unfinished uploads of a space, or of all.",
       "Those that a client writes into at this moment stay. A client whose upload was removed begins it again.",
       {{"--older-than", "HOURS", "Only those that were begun so long ago."}, kJson, kData, kConfig, kDevel, kHelp},
       upload_clean},
      {"status",
       "",
       0,
       0,
       "Tell how the running server is.",
       "Exit code 0: all is running. 1: some instance is not. 69: no server runs on the data folder.",
       {kJson, kData, kConfig, kHelp},
       status},
      {"version", "", 0, 0, "Print the version.", "", {kHelp}, print_version},
  };
  return all;
}

}  // namespace

std::span<const Command> commands() { return table(); }

}  // namespace Atoll::command

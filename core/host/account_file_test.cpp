// SPDX-License-Identifier: Apache-2.0
#include "core/host/account_file.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>

using namespace Atoll;
using namespace Atoll::host;

namespace {

std::string problems_of(std::string_view format, std::string_view text) {
  const auto file = read_account_file(format, text);
  REQUIRE(file.ok());
  std::string out;
  for (const AccountProblem &problem : file->problems) out += std::to_string(problem.line) + ": " + problem.text + "\n";
  return out;
}

}  // namespace

TEST_CASE("csv: quotes, lines in fields, empty fields, any order") {
  const auto file = read_account_file("csv",
                                      "\xEF\xBB\xBFmail,name,role,groups,guest,expires\r\n"
                                      "a@b,\"O\"\"Hara, \nS\",space admin,x; y ;,no,2030-01-31T12:00:00Z\r\n"
                                      "\r\n"
                                      "g@h,,,,yes,\n");
  REQUIRE(file.ok());
  REQUIRE(file->problems.empty());
  REQUIRE(file->entries.size() == 2);
  CHECK(file->entries[0].name == "O\"Hara, \nS");
  CHECK(file->entries[0].app_role == ATOLL_ROLE_SPACE_ADMIN);
  CHECK(file->entries[0].groups == std::vector<std::string>{"x", "y"});
  CHECK(file->entries[0].expires_ns == 1'896'091'200'000'000'000);
  CHECK(file->entries[1].line == 5);
  CHECK(file->entries[1].name == "g@h");
  CHECK(file->entries[1].app_role == ATOLL_ROLE_USER_LIGHT);
}

TEST_CASE("csv: what is wrong has its line") {
  CHECK(problems_of("csv", "") == "1: the file is empty; the first line has the names of the columns\n");
  CHECK(problems_of("csv", "name,nam\na,b\n") == "1: there is no column 'nam'\n");
  CHECK(problems_of("csv", "name,Name\n") == "1: the column 'name' comes twice\n");
  CHECK(problems_of("csv", "mail\n") == "1: there is no column 'name'\n");
  CHECK(problems_of("csv", "name,mail\na\nb,c,d\n") == "2: 1 fields instead of 2\n3: 3 fields instead of 2\n");
  CHECK(problems_of("csv", "name\n\"a\nb\n") == "2: a quoted field has no end\n");
  CHECK(problems_of("csv", "name\n\"a\"b\n") == "2: something follows a closing quote\n");
  CHECK(problems_of("csv", "name\na\"b\n").rfind("2: a quote in the middle", 0) == 0);
  CHECK(problems_of("csv", "name\na\rb\n").rfind("2: a carriage return", 0) == 0);
  CHECK(problems_of("csv", "name,enabled,role,id,expires,kind\n\na,maybe,boss,1,tomorrow,cat\n") ==
        "3: enabled: 'maybe' is neither yes nor no\n"
        "3: the role 'boss' is none of admin, space admin, user, user light\n"
        "3: the id '1' is no UUID\n"
        "3: expires: 'tomorrow' is no time like 2030-01-31T12:00:00Z, and not never\n"
        "3: the kind 'cat' is neither user nor group\n");
  CHECK(problems_of("csv", "name,mail\n,x@y\n") == "2: there is no name\n");
  CHECK(problems_of("csv", "name\nok\n\xFF\n") == "3: this is no valid UTF-8 text\n");
  CHECK(read_account_file("xml", "").status() == Status::InvalidArgument);
}

TEST_CASE("ldif: folded lines, base64, comments, groups with members") {
  const auto file = read_account_file("ldif",
                                      "version: 1\n\n# a comment\n that goes on\n"
                                      "dn: ou=users,dc=x\nobjectClass: organizationalUnit\nou: users\n\n"
                                      "dn: uid=einstein,ou=users\r\nobjectClass: inetOrgPerson\r\nuid: einstein\r\n"
                                      "cn: Albert\r\n  Einstein\r\ndisplayName:: QWxiZXJ0IMOE\r\nmail: a@b\r\n"
                                      "jpegPhoto:: /9j/4AAQ\r\nuserPassword: relativity\r\n\r\n"
                                      "dn: cn=physics,ou=groups\nobjectClass: groupOfNames\ncn: physics\n"
                                      "member: uid=einstein,ou=users\n");
  REQUIRE(file.ok());
  for (const auto &problem : file->problems) MESSAGE(problem.line, ": ", problem.text);
  REQUIRE(file->problems.empty());
  REQUIRE(file->entries.size() == 2);
  CHECK(file->entries[0].name == "einstein");
  CHECK(file->entries[0].display_name == "Albert \xC3\x84");
  CHECK(file->entries[0].password == "relativity");
  CHECK(file->entries[0].groups == std::vector<std::string>{"physics"});
  CHECK(file->entries[1].kind == ATOLL_ACCOUNT_GROUP);
}

TEST_CASE("ldif: people and groups in any order, members by DN, members that are not in the file") {
  const std::string person =
      "dn: cn=Albert Einstein, OU=users\nobjectClass: inetOrgPerson\nuid: einstein\ncn: Albert "
      "Einstein\nmemberOf: cn=chess,ou=groups\n\n";
  const std::string group =
      "dn: cn=physics,ou=groups\nobjectClass: groupOfNames\ncn: physics\nmember: CN=albert "
      "einstein,ou=users\nmember: uid=marie,ou=users\n\n";
  const std::string posix =
      "dn: ou=chess,ou=x\nobjectClass: posixGroup\ncn: chess\nmemberUid: Einstein\nmemberUid: "
      "paul\n\n";
  for (const std::string &text : {person + group + posix, group + person + posix, posix + group + person}) {
    CAPTURE(text);
    const auto file = read_account_file("ldif", text);
    REQUIRE(file.ok());
    REQUIRE(file->problems.empty());
    REQUIRE(file->entries.size() == 3);
    for (const FileAccount &entry : file->entries) {
      auto groups = entry.groups;
      std::sort(groups.begin(), groups.end());
      if (entry.name == "einstein") CHECK(groups == std::vector<std::string>{"chess", "physics"});
      if (entry.name == "physics") CHECK(entry.members == std::vector<std::string>{"marie"});
      if (entry.name == "chess") CHECK(entry.members == std::vector<std::string>{"paul"});
    }
  }
}

TEST_CASE("an entry tells which fields the file has") {
  const auto csv = read_account_file("csv", "name,mail,enabled,expires\na,,no,\nb,b@x,,never\n");
  REQUIRE(csv.ok());
  REQUIRE(csv->entries.size() == 2);
  CHECK(csv->entries[0].fields == ATOLL_ACCOUNT_SET_ENABLED);
  CHECK(csv->entries[1].fields == (ATOLL_ACCOUNT_SET_MAIL | ATOLL_ACCOUNT_SET_EXPIRES));
  CHECK(csv->entries[1].expires_ns == 0);
  const auto ldif = read_account_file("ldif",
                                      "dn: uid=a\nobjectClass: inetOrgPerson\nuid: a\ncn: A B\nsn: A B\nmail:\n"
                                      "givenName: A\natollGuest: no\n");
  REQUIRE(ldif.ok());
  REQUIRE(ldif->entries.size() == 1);
  CHECK(ldif->entries[0].fields ==
        (ATOLL_ACCOUNT_SET_DISPLAY_NAME | ATOLL_ACCOUNT_SET_GIVEN_NAME | ATOLL_ACCOUNT_SET_GUEST));
}

TEST_CASE("ldif: what is wrong has its line") {
  const std::string person = "dn: uid=a\nobjectClass: inetOrgPerson\nuid: a\n";
  CHECK(problems_of("ldif", "uid: a\n") == "1: an entry begins with dn:\n");
  CHECK(problems_of("ldif", person + "nocolon\n") == "4: a line without a colon\n");
  CHECK(problems_of("ldif", person + "mail:: a!\n") == "4: 'mail' is no valid base64\n");
  CHECK(problems_of("ldif", person + "mail:: /w==\n") == "4: 'mail' is no valid UTF-8\n");
  CHECK(problems_of("ldif", person + "mail:< file:///etc/passwd\n") ==
        "4: values from other files (:<) are not read\n");
  CHECK(problems_of("ldif", person + "changetype: modify\n") == "4: only entries and changetype: add are read\n");
  CHECK(problems_of("ldif", person + "userPassword: {SSHA}x\n").rfind("4: the password is a hash", 0) == 0);
  CHECK(problems_of("ldif", "version: 2\n" + person) == "1: only LDIF version 1 is read\n");
  CHECK(problems_of("ldif", "\n x\n" + person) == "2: a line that goes on nothing\n");
  CHECK(problems_of("ldif", "dn: cn=g\nobjectClass: groupOfNames\ncn: g\nmember: uid=nobody\n") == "");
  CHECK(problems_of("ldif", "dn: cn=g\nobjectClass: groupOfNames\ncn: g\nmember: cn=No Body,ou=x\n") ==
        "4: the member 'No Body' is no user of this file, and has no uid\n");
  CHECK(problems_of("ldif",
                    "dn: cn=g\nobjectClass: groupOfNames\ncn: g\nmember: cn=h\n\ndn: cn=h\nobjectClass: "
                    "groupOfNames\ncn: h\n") == "4: the member 'h' is a group, and a group cannot be in a group\n");
  CHECK(problems_of("ldif", "dn: ou=x\nobjectClass: organizationalUnit\n").find("no user and no group") !=
        std::string::npos);
}

TEST_CASE("what is written is read again as it was") {
  FileAccount group;
  group.kind = ATOLL_ACCOUNT_GROUP;
  group.app_role = ATOLL_ROLE_NONE;
  group.name = group.display_name = "a, \"b\" \\ c";
  group.id = *AccountId::parse("22222222-2222-4222-8222-222222222222");
  FileAccount user;
  user.id = *AccountId::parse("11111111-1111-4111-8111-111111111111");
  user.name = "m\xC3\xBCller";
  user.display_name = " : " + std::string(200, 'x') + " ";
  user.mail = "a@b";
  user.surname = "M";
  user.enabled = false;
  user.app_role = ATOLL_ROLE_ADMIN;
  user.expires_ns = 1'896'091'200'000'000'000;
  user.groups = {group.name};
  user.description = "two\nlines";
  for (const char *format : {"csv", "ldif"}) {
    const auto text = write_account_file(format, {group, user});
    REQUIRE(text.ok());
    const auto file = read_account_file(format, *text);
    REQUIRE(file.ok());
    for (const auto &problem : file->problems) MESSAGE(problem.line, ": ", problem.text);
    REQUIRE(file->problems.empty());
    REQUIRE(file->entries.size() == 2);
    const FileAccount &again = file->entries[1];
    CHECK(file->entries[0].name == group.name);
    CHECK(again.id == user.id);
    CHECK(again.name == user.name);
    CHECK(again.display_name == user.display_name);
    CHECK(again.description == user.description);
    CHECK(again.enabled == user.enabled);
    CHECK(again.app_role == user.app_role);
    CHECK(again.expires_ns == user.expires_ns);
    CHECK(again.groups == user.groups);
  }
}

TEST_CASE("any bytes: an answer, and at most 100 problems") {
  const unsigned seed = std::random_device()();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const std::string_view pieces[] = {
      "\"", "\"\"", ",",  "\n",   "\r\n", "name", "dn: x", "uid:: ",
      ":",  " ",    ":<", "mail", "\xFF", ";",    "YQ==",  "objectClass: inetOrgPerson\n"};
  for (int round = 0; round < 2000; ++round) {
    std::string text = round % 2 ? "name,mail\n" : "dn: x\n";
    for (unsigned i = random() % 60; i > 0; --i) text += pieces[random() % std::size(pieces)];
    for (const char *format : {"csv", "ldif"}) {
      const auto file = read_account_file(format, text);
      REQUIRE(file.ok());
      CHECK(file->problems.size() <= 100);
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
#include "plugins/api-graph/user_filter.hpp"

#include <atoll/sdk/app_roles.hpp>

#include <algorithm>

#include "core/base/text.hpp"
#include "plugins/api-graph/odata.hpp"

namespace Atoll::graph {
namespace {

constexpr std::size_t kLongestFilter = 16'384, kMostTerms = 200;

enum class Is { Word, Text, Open, Close, Comma, Colon, End };
struct Token {
  Is is = Is::End;
  std::string text;
};

/// Words (with slashes in them), texts in single quotes (a doubled quote is one), brackets, commas, colons.
class Tokens {
 public:
  explicit Tokens(std::string_view text) : text_(text) { next(); }
  const Token &now() const { return now_; }
  bool bad() const { return bad_; }
  void next() {
    while (!text_.empty() && text_.front() == ' ') text_.remove_prefix(1);
    now_ = Token{};
    if (text_.empty()) return;
    const char c = text_.front();
    if (c == '\'') return quoted();
    constexpr std::pair<char, Is> kMarks[] = {{'(', Is::Open}, {')', Is::Close}, {',', Is::Comma}, {':', Is::Colon}};
    for (const auto &[mark, is] : kMarks)
      if (c == mark) {
        now_.is = is;
        text_.remove_prefix(1);
        return;
      }
    std::size_t length = 0;
    while (length < text_.size() && std::string_view(" '(),:").find(text_[length]) == std::string_view::npos) ++length;
    now_ = {Is::Word, std::string(text_.substr(0, length))};
    text_.remove_prefix(length);
  }
  bool take(Is is) {
    if (now_.is != is) return false;
    next();
    return true;
  }
  bool take(std::string_view word) {
    if (now_.is != Is::Word || now_.text != word) return false;
    next();
    return true;
  }

 private:
  void quoted() {
    now_.is = Is::Text;
    for (std::size_t i = 1; i < text_.size(); ++i) {
      if (text_[i] != '\'') {
        now_.text.push_back(text_[i]);
      } else if (i + 1 < text_.size() && text_[i + 1] == '\'') {
        now_.text.push_back('\'');
        ++i;
      } else {
        text_.remove_prefix(i + 1);
        return;
      }
    }
    bad_ = true;
    text_ = {};
    now_ = Token{};
  }
  std::string_view text_;
  Token now_;
  bool bad_ = false;
};

Error unknown_filter() {
  return invalid(
      "This filter is not supported. Fields eq 'VALUE', contains(displayName,'VALUE'), memberOf/any(m:m/id eq 'ID') "
      "and "
      "appRoleAssignments/any(m:m/appRoleId eq 'ID') are, with and between them, and or between the last two.");
}

class FilterReader {
 public:
  FilterReader(std::string_view text, AccountPage &page) : tokens_(text), page_(page) {}

  Result<void> all() {
    do {
      if (auto read = group(); !read) return read;
    } while (tokens_.take("and"));
    if (tokens_.now().is != Is::End || tokens_.bad()) return unknown_filter();
    return {};
  }

 private:
  /// One term, or several of the same kind with `or` between them, in brackets or not.
  Result<void> group() {
    std::size_t brackets = 0;
    while (tokens_.take(Is::Open)) ++brackets;
    if (brackets > 4) return unknown_filter();
    std::string kind;
    for (bool first = true;; first = false) {
      std::size_t inner = 0;
      while (!first && tokens_.take(Is::Open)) ++inner;
      const std::string this_kind = tokens_.now().text;
      if (++terms_ > kMostTerms) return unknown_filter();
      if (auto read = term(first); !read) return read;
      if (!first && (this_kind != kind || (kind != "memberOf/any" && kind != "appRoleAssignments/any")))
        return unknown_filter();
      kind = this_kind;
      while (inner > 0 && tokens_.take(Is::Close)) --inner;
      if (inner > 0) return unknown_filter();
      if (!tokens_.take("or")) break;
    }
    while (brackets > 0 && tokens_.take(Is::Close)) --brackets;
    return brackets == 0 ? Result<void>() : unknown_filter();
  }

  Result<void> term(bool first) {
    if (tokens_.now().is != Is::Word) return unknown_filter();
    const std::string word = tokens_.now().text;
    tokens_.next();
    if (word == "contains") {
      if (!tokens_.take(Is::Open) || !tokens_.take("displayName") || !tokens_.take(Is::Comma)) return unknown_filter();
      auto text = value();
      if (!text || !tokens_.take(Is::Close)) return unknown_filter();
      return once(page_.text, *text);
    }
    if (word == "memberOf/any" || word == "appRoleAssignments/any") return any(word == "memberOf/any", first);
    if (!tokens_.take("eq")) return unknown_filter();
    if (word == "accountEnabled") {
      if (tokens_.take("true")) return flag(ATOLL_ACCOUNT_QUERY_ENABLED);
      if (tokens_.take("false")) return flag(ATOLL_ACCOUNT_QUERY_DISABLED);
      return unknown_filter();
    }
    auto text = value();
    if (!text) return unknown_filter();
    if (word == "userType" && *text == "Guest") return flag(ATOLL_ACCOUNT_QUERY_GUESTS);
    if (word == "userType" && *text == "Member") return flag(ATOLL_ACCOUNT_QUERY_MEMBERS);
    if (word == "displayName") return once(page_.display_name, *text);
    if (word == "mail") return once(page_.mail, *text);
    if (word == "onPremisesSamAccountName") return once(page_.name, *text);
    return unknown_filter();
  }

  /// (m:m/id eq 'ID')
  Result<void> any(bool groups, bool first) {
    if (!tokens_.take(Is::Open) || tokens_.now().is != Is::Word) return unknown_filter();
    const std::string variable = tokens_.now().text;
    tokens_.next();
    if (!tokens_.take(Is::Colon) || !tokens_.take(variable + (groups ? "/id" : "/appRoleId")) || !tokens_.take("eq"))
      return unknown_filter();
    auto text = value();
    if (!text || !tokens_.take(Is::Close)) return unknown_filter();
    if (groups) {
      const auto id = AccountId::parse(*text);
      if (!id) return invalid("'" + *text + "' is no id of a group.");
      if (first && !page_.groups.empty()) return unknown_filter();  // of this and of that group: not one list
      page_.groups.push_back(*id);
      return {};
    }
    const AppRole *role = find_app_role(*text);
    if (!role) return invalid("There is no app role '" + *text + "'.");
    if (first && page_.roles != 0) return unknown_filter();
    page_.roles |= 1u << role->role;
    return {};
  }

  std::optional<std::string> value() {
    if (tokens_.now().is != Is::Text || tokens_.now().text.empty()) return std::nullopt;
    std::string text = tokens_.now().text;
    tokens_.next();
    return text;
  }
  Result<void> once(std::string &field, const std::string &text) {
    if (!field.empty()) return unknown_filter();
    field = text;
    return {};
  }
  Result<void> flag(std::uint32_t bit) {
    page_.flags |= bit;
    return {};
  }

  Tokens tokens_;
  AccountPage &page_;
  std::size_t terms_ = 0;
};

}  // namespace

Result<void> apply_filter(std::string_view filter, AccountPage &page) {
  if (filter.size() > kLongestFilter) return invalid("The filter is too long.");
  return FilterReader(filter, page).all();
}

Result<std::string> search_of(std::string_view search) {
  search = base::trim(search);
  if (search.size() >= 2 && search.front() == '"' && search.back() == '"') {
    std::string out;
    for (std::size_t i = 1; i + 1 < search.size(); ++i) {
      if (search[i] == '\\' && i + 2 < search.size()) ++i;
      out.push_back(search[i]);
    }
    if (out.empty() || out.size() > 1000) return invalid("$search needs a text of at most 1000 bytes.");
    return out;
  }
  if (search.empty() || search.size() > 1000 || search.find('"') != search.npos)
    return invalid("$search needs a text of at most 1000 bytes.");
  return std::string(search);
}

std::string place_of(const AccountRecord &last, std::uint32_t order) {
  const std::string &key = order == ATOLL_ACCOUNT_BY_DISPLAY_NAME ? last.display_name
                           : order == ATOLL_ACCOUNT_BY_MAIL       ? last.mail
                                                                  : last.name;
  return last.id.text() + base::hex_encode(key);
}

Result<void> read_place(std::string_view text, AccountPage &page) {
  const auto id = AccountId::parse(text.substr(0, 36));
  const auto key = text.size() >= 36 ? base::hex_decode(text.substr(36)) : std::nullopt;
  if (!id || id->none() || !key || key->size() > 4000 || !base::valid_utf8(*key))
    return invalid("This $skiptoken is none that was given out.");
  page.after_id = *id;
  page.after = *key;
  return {};
}

}  // namespace Atoll::graph

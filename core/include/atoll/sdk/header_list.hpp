// SPDX-License-Identifier: Apache-2.0
// HeaderList: the header fields of an answer, in order, all in one text.
#ifndef ATOLL_SDK_HEADER_LIST_HPP
#define ATOLL_SDK_HEADER_LIST_HPP

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace Atoll {
inline namespace sdk0 {

/// Names compare as they are; whoever looks for one ignores the case himself. Views into a list are valid until it
/// changes or is moved.
class HeaderList {
  struct Piece {
    std::uint32_t name_at, name_size, value_at, value_size;
  };

 public:
  struct Field {
    std::string_view name, value;
  };

  class Iterator {
   public:
    Field operator*() const { return list_->field(*piece_); }
    Iterator &operator++() {
      ++piece_;
      return *this;
    }
    bool operator!=(const Iterator &other) const { return piece_ != other.piece_; }

   private:
    friend class HeaderList;
    Iterator(const HeaderList *list, const Piece *piece) : list_(list), piece_(piece) {}
    const HeaderList *list_;
    const Piece *piece_;
  };

  HeaderList() = default;
  HeaderList(std::initializer_list<Field> fields) {
    for (const Field &one : fields) add(one.name, one.value);
  }

  /// The views may point into this list.
  void add(std::string_view name, std::string_view value) {
    const std::size_t at = text_.size(), size = name.size() + value.size();
    if (text_.capacity() - at < size || pieces_.capacity() == 0) return add_growing(name, value);
    text_.append(name).append(value);
    pieces_.push_back(piece(at, name.size(), value.size()));
  }
  /// Takes the fields out for which `drop(field)` is true.
  template <class F>
  void remove_if(F drop) {
    HeaderList kept;
    for (const Field one : *this)
      if (!drop(one)) kept.add(one.name, one.value);
    *this = std::move(kept);
  }
  /// Gives the field at this place another value.
  void set_value(std::size_t place, std::string_view value) {
    const std::size_t at = text_.size();
    text_.append(value);
    pieces_[place].value_at = static_cast<std::uint32_t>(at);
    pieces_[place].value_size = static_cast<std::uint32_t>(value.size());
  }
  void reserve(std::size_t fields, std::size_t bytes) {
    pieces_.reserve(fields);
    text_.reserve(bytes);
  }

  std::size_t size() const { return pieces_.size(); }
  bool empty() const { return pieces_.empty(); }
  /// Of all names and values together, or a little more.
  std::size_t bytes() const { return text_.size(); }
  Field operator[](std::size_t place) const { return field(pieces_[place]); }
  Iterator begin() const { return {this, pieces_.data()}; }
  Iterator end() const { return {this, pieces_.data() + pieces_.size()}; }

 private:
  static Piece piece(std::size_t at, std::size_t name, std::size_t value) {
    return {static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(name), static_cast<std::uint32_t>(at + name),
            static_cast<std::uint32_t>(value)};
  }
  Field field(const Piece &p) const {
    return {std::string_view(text_).substr(p.name_at, p.name_size),
            std::string_view(text_).substr(p.value_at, p.value_size)};
  }
  void add_growing(std::string_view name, std::string_view value) {
    if (pieces_.capacity() == 0) pieces_.reserve(16);
    std::string larger;
    larger.reserve(text_.size() + name.size() + value.size() < 384 ? 768
                                                                   : 2 * (text_.size() + name.size() + value.size()));
    larger.append(text_).append(name).append(value);
    pieces_.push_back(piece(text_.size(), name.size(), value.size()));
    text_.swap(larger);
  }

  std::string text_;
  std::vector<Piece> pieces_;
};

}  // namespace sdk0
}  // namespace Atoll

#endif

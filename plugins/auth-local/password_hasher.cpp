// SPDX-License-Identifier: Apache-2.0
#include "plugins/auth-local/password_hasher.hpp"

#include <argon2.h>

#include <array>
#include <utility>

#include "core/base/uuid.hpp"

namespace Atoll::auth_local {

namespace {

constexpr std::size_t kSaltBytes = 16;
constexpr std::size_t kHashBytes = 32;

Error argon_error(int code) {
  if (code == ARGON2_MEMORY_ALLOCATION_ERROR || code == ARGON2_THREAD_FAIL) {
    return Error{Status::ResourceExhausted, "not enough memory to check a password", 0, 1000};
  }
  return error(Status::DataLoss, std::string("a stored password hash cannot be used: ") + argon2_error_message(code));
}

}  // namespace

/// Holds one of the slots while it lives.
class PasswordHasher::Slot {
 public:
  explicit Slot(PasswordHasher &hasher) : hasher_(hasher) {}
  ~Slot() { hasher_.release(); }
  Slot(const Slot &) = delete;
  Slot &operator=(const Slot &) = delete;

 private:
  PasswordHasher &hasher_;
};

Result<void> PasswordHasher::acquire() {
  std::unique_lock lock(mutex_);
  const Error busy{Status::ResourceExhausted, "too many logins at the same time: try again in a moment", 0, 1000};
  if (busy_ >= limits_.slots) {
    if (waiting_ >= limits_.queue) return busy;
    ++waiting_;
    const bool free = changed_.wait_for(lock, limits_.patience, [this] { return busy_ < limits_.slots; });
    --waiting_;
    if (!free) return busy;
  }
  ++busy_;
  return {};
}

void PasswordHasher::release() noexcept {
  {
    const std::lock_guard lock(mutex_);
    --busy_;
  }
  changed_.notify_one();
}

std::string PasswordHasher::prefix() const {
  std::string out("$argon2id$v=");
  out.append(std::to_string(ARGON2_VERSION_NUMBER)).append("$m=").append(std::to_string(parameters_.memory_kib));
  out.append(",t=").append(std::to_string(parameters_.passes));
  return out.append(",p=").append(std::to_string(parameters_.lanes)).append("$");
}

bool PasswordHasher::outdated(const std::string &encoded) const { return !encoded.starts_with(prefix()); }

Result<std::string> PasswordHasher::compute(std::string_view password) const {
  std::array<std::uint8_t, kSaltBytes> salt{};
  base::random_bytes(salt);
  std::string encoded(argon2_encodedlen(parameters_.passes, parameters_.memory_kib, parameters_.lanes, kSaltBytes,
                                        kHashBytes, Argon2_id),
                      '\0');
  const int code =
      argon2id_hash_encoded(parameters_.passes, parameters_.memory_kib, parameters_.lanes, password.data(),
                            password.size(), salt.data(), salt.size(), kHashBytes, encoded.data(), encoded.size());
  if (code != ARGON2_OK) return argon_error(code);
  encoded.resize(encoded.find('\0'));
  return encoded;
}

Result<std::string> PasswordHasher::hash(std::string_view password) {
  if (auto acquired = acquire(); !acquired) return acquired.error();
  const Slot slot(*this);
  return compute(password);
}

Result<bool> PasswordHasher::verify(const std::string &encoded, std::string_view password) {
  if (auto acquired = acquire(); !acquired) return acquired.error();
  const Slot slot(*this);
  if (encoded.empty()) {
    const auto dummy = compute(password);
    if (!dummy) return dummy.error();
    return false;
  }
  const int code = argon2id_verify(encoded.c_str(), password.data(), password.size());
  if (code == ARGON2_OK) return true;
  if (code == ARGON2_VERIFY_MISMATCH) return false;
  return argon_error(code);
}

}  // namespace Atoll::auth_local

// SPDX-License-Identifier: Apache-2.0
// Exit codes of the atoll command; the numbers are those of sysexits.h.
#pragma once

#include <atoll/sdk/result.hpp>

namespace Atoll::command {

enum ExitCode : int {
  kDone = 0,
  kFailed = 1,        ///< what was asked could not be done; the message says why
  kUsage = 64,        ///< the command line is wrong
  kBadData = 65,      ///< a value or a file was refused
  kNotThere = 67,     ///< no such account, instance, plugin
  kUnavailable = 69,  ///< the server or an instance is not running
  kInternal = 70,     ///< a mistake in the program
  kExists = 73,       ///< it is there already
  kBusy = 75,         ///< somebody else uses the data; try again later
  kForbidden = 77,    ///< not permitted
  kConfig = 78,       ///< the configuration has errors
};

inline int exit_code(Status status) {
  switch (status) {
    case Status::Ok:
      return kDone;
    case Status::InvalidArgument:
      return kBadData;
    case Status::FailedPrecondition:
      return kBadData;
    case Status::NotFound:
      return kNotThere;
    case Status::AlreadyExists:
      return kExists;
    case Status::PermissionDenied:
      return kForbidden;
    case Status::Unavailable:
      return kUnavailable;
    case Status::DeadlineExceeded:
      return kUnavailable;
    case Status::Aborted:
      return kBusy;
    case Status::Internal:
      return kInternal;
    default:
      return kFailed;
  }
}

}  // namespace Atoll::command

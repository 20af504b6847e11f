// SPDX-License-Identifier: Apache-2.0
// Hands an error on to the caller. Only for .cpp files of this folder.
#pragma once

#include <atoll/sdk/result.hpp>

#define TREE_JOIN_(a, b) a##b
#define TREE_JOIN(a, b) TREE_JOIN_(a, b)

/// TRY_ASSIGN(auto x, f()): x is the value of the Result, or the function returns its error.
#define TRY_ASSIGN(declaration, expression) TRY_ASSIGN_(TREE_JOIN(tried_, __COUNTER__), declaration, expression)
#define TRY_ASSIGN_(name, declaration, expression) \
  auto name = (expression);                        \
  if (!name) return std::move(name).error();       \
  declaration = std::move(*name)

/// TRY(f()): the function returns the error of the Result, if it is one.
#define TRY(expression) TRY_(TREE_JOIN(tried_, __COUNTER__), expression)
#define TRY_(name, expression)                                           \
  do {                                                                   \
    if (auto name = (expression); !name) return std::move(name).error(); \
  } while (false)

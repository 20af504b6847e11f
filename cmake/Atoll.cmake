# SPDX-License-Identifier: Apache-2.0
# One way to declare a layer, a plugin and their tests. Sources are globbed: a folder is a target.

# The trees of tools/test share one ctest run: their tests need names of their own.
if(ATOLL_SANITIZE MATCHES thread)
  set(ATOLL_TEST_SUFFIX _tsan)
elseif(ATOLL_SANITIZE)
  set(ATOLL_TEST_SUFFIX _asan)
else()
  set(ATOLL_TEST_SUFFIX "")
endif()

# atoll_layer(NAME DEPS target...): core/NAME/*.cpp as the static library atoll_NAME, and
# core/NAME/*_test.cpp as the doctest program NAME_test.
function(atoll_layer name)
  cmake_parse_arguments(ARG "" "" "DEPS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  file(GLOB tests CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*_test.cpp)
  if(tests)
    list(REMOVE_ITEM sources ${tests})
  endif()
  if(sources)
    add_library(atoll_${name} STATIC ${sources})
    target_link_libraries(atoll_${name} PUBLIC atoll_options ${ARG_DEPS})
  else()
    add_library(atoll_${name} INTERFACE)
    target_link_libraries(atoll_${name} INTERFACE atoll_options ${ARG_DEPS})
  endif()
  _atoll_unit_test(${name} "${tests}" atoll_${name})
endfunction()

# atoll_plugin(NAME DEPS target...): the shared object NAME.so with one exported symbol. Its code also
# becomes an object library, so that its *_test.cpp files can reach the insides.
function(atoll_plugin name)
  cmake_parse_arguments(ARG "" "" "DEPS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  file(GLOB tests CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*_test.cpp)
  if(tests)
    list(REMOVE_ITEM sources ${tests})
  endif()
  string(REPLACE "-" "_" id ${name})
  add_library(${id}_objects OBJECT ${sources})
  target_link_libraries(${id}_objects PUBLIC atoll_options ${ARG_DEPS})
  add_library(${name} MODULE $<TARGET_OBJECTS:${id}_objects>)
  target_link_options(${name} PRIVATE -Wl,--as-needed)  # a plugin needs what it calls, not what its layers can do
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} atoll_options
    -Wl,--version-script=${PROJECT_SOURCE_DIR}/core/include/atoll/plugin.map)
  if(NOT ATOLL_SANITIZE)
    target_link_options(${name} PRIVATE -Wl,-z,defs)
  endif()
  set_target_properties(${name} PROPERTIES PREFIX "" LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/plugins
    LINK_DEPENDS ${PROJECT_SOURCE_DIR}/core/include/atoll/plugin.map)
  install(TARGETS ${name} LIBRARY DESTINATION ${ATOLL_PLUGIN_DIR})
  set_property(GLOBAL APPEND PROPERTY ATOLL_PLUGINS ${name})
  if(tests)
    _atoll_unit_test(${id} "${tests}" ${id}_objects)
  endif()
endfunction()

function(_atoll_unit_test name tests library)
  if(NOT tests OR NOT ATOLL_TESTS)
    return()
  endif()
  add_executable(${name}_test ${PROJECT_SOURCE_DIR}/tests/unit/doctest_main.cpp ${tests})
  target_link_libraries(${name}_test PRIVATE ${library})
  # What is tested is optimised, the tests need not be: that halves the time to compile them.
  target_compile_options(${name}_test PRIVATE -U_FORTIFY_SOURCE -O0)
  target_compile_definitions(${name}_test PRIVATE DOCTEST_CONFIG_SUPER_FAST_ASSERTS)
  # What mounts is a test of its own, see tests/unit/skip.hpp: atoll_mounting_test().
  add_test(NAME unit_${name}${ATOLL_TEST_SUFFIX} COMMAND ${name}_test --test-suite-exclude=mounts)
  set_tests_properties(unit_${name}${ATOLL_TEST_SUFFIX} PROPERTIES LABELS unit TIMEOUT 300)
endfunction()

# atoll_mounting_test(NAME): the tests of this unit test's program that need the right to mount; skipped without it.
function(atoll_mounting_test name)
  set(test unit_${name}_mounts${ATOLL_TEST_SUFFIX})
  add_test(NAME ${test} COMMAND ${name}_test --test-suite=mounts)
  set_tests_properties(${test} PROPERTIES LABELS unit TIMEOUT 300 SKIP_RETURN_CODE 77)
endfunction()

# atoll_postgresql_test(NAME): this unit test's program once more, on a PostgreSQL server that it starts; skipped without
# one. See core/sql/test_postgresql.hpp.
function(atoll_postgresql_test name)
  if(NOT ATOLL_TESTS)
    return()
  endif()
  set(test unit_${name}_postgresql${ATOLL_TEST_SUFFIX})
  add_test(NAME ${test} COMMAND ${name}_test)
  set_tests_properties(${test} PROPERTIES LABELS unit TIMEOUT 300 SKIP_RETURN_CODE 77
    ENVIRONMENT ATOLL_TEST_DATABASE=postgresql)
endfunction()

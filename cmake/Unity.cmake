# SPDX-License-Identifier: Apache-2.0
# tools/run and tools/test build with CMAKE_UNITY_BUILD, which takes a third of the time. A name in an anonymous namespace
# that another file of the folder has too doesn't allow that: such files are compiled alone.
function(atoll_compile_alone target)
  if(CMAKE_UNITY_BUILD AND TARGET ${target})
    get_target_property(folder ${target} SOURCE_DIR)
    list(TRANSFORM ARGN PREPEND ${folder}/)
    set_source_files_properties(${ARGN} TARGET_DIRECTORY ${target} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  endif()
endfunction()

atoll_compile_alone(atoll_base uri.cpp)
atoll_compile_alone(sql_test session_test.cpp)
atoll_compile_alone(atoll_host forwarded.cpp)
atoll_compile_alone(atoll_tree reconciler_names.cpp)
atoll_compile_alone(net_test address_test.cpp lifecycle_test.cpp listener_test.cpp memory_test.cpp rate_test.cpp
  tls_test.cpp tls_transfer_test.cpp)
atoll_compile_alone(atoll config.cpp serve.cpp)
atoll_compile_alone(api_webdav_test plugin_test.cpp wire_id_test.cpp)
atoll_compile_alone(auth_local_test login_limits_test.cpp)

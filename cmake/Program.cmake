# The program `strata`: its start, which needs no libtorch, and its commands, a library that the start loads.
file(GLOB_RECURSE tool_sources CONFIGURE_DEPENDS tools/*.cpp)
set(start_sources ${CMAKE_SOURCE_DIR}/tools/main.cpp ${CMAKE_SOURCE_DIR}/tools/find_answer.cpp)
list(REMOVE_ITEM tool_sources ${start_sources})

add_library(strata_commands SHARED ${tool_sources})
target_link_libraries(strata_commands PRIVATE strata strata_flags CLI11::CLI11 nlohmann_json::nlohmann_json ZLIB::ZLIB)
target_compile_definitions(strata_commands PRIVATE "STRATA_DATA_FOLDER=\"${CMAKE_INSTALL_DATADIR}/strata\"")
strata_unity(strata_commands ${tool_sources})
target_precompile_headers(strata_commands PRIVATE <ATen/core/Tensor.h> <string> <vector>)

add_executable(strata_start ${start_sources} src/base/check.cpp src/base/terminal.cpp src/base/text.cpp)
set_target_properties(strata_start PROPERTIES OUTPUT_NAME strata)
target_compile_definitions(strata_start PRIVATE "STRATA_LIBRARY_FOLDER=\"${CMAKE_INSTALL_LIBDIR}\""
                           "STRATA_DATA_FOLDER=\"${CMAKE_INSTALL_DATADIR}/strata\"")
target_include_directories(strata_start PRIVATE include)
target_link_libraries(strata_start PRIVATE strata_flags ${CMAKE_DL_LIBS})

if(NOT STRATA_SANITIZE)  # what a sanitizer says would be part of the answers
  set(answers ${CMAKE_BINARY_DIR}/strata.answers)
  add_custom_command(OUTPUT ${answers} COMMAND strata_start --write-answers ${answers}
    DEPENDS strata_start strata_commands strata COMMENT "Writing down what the program says of itself" VERBATIM)
  install(FILES ${answers} DESTINATION ${CMAKE_INSTALL_DATADIR}/strata)
endif()
add_custom_target(strata_program ALL DEPENDS strata_start strata_commands ${answers})

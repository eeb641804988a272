# libstrata_parquet.so, a module of its own that the library opens where a parquet file is read: Arrow's C++ library,
# which lies with its headers in the pyarrow wheel. scripts/install.sh --parquet puts it beside torch's.

set(STRATA_PARQUET AUTO CACHE STRING "build libstrata_parquet.so: AUTO (where Arrow is there), ON, OFF")
set_property(CACHE STRATA_PARQUET PROPERTY STRINGS AUTO ON OFF)
set(_pyarrow_version 26.0.1)
set(_arrow_soname 2600)
set(STRATA_PYARROW_DIR ${_site}/pyarrow CACHE PATH "the pyarrow/ folder of the pyarrow ${_pyarrow_version} wheel")

if(STRATA_PARQUET STREQUAL OFF)
  message(STATUS "parquet: off (STRATA_PARQUET=OFF)")
  return()
endif()
if(NOT EXISTS ${STRATA_PYARROW_DIR}/libparquet.so.${_arrow_soname})
  if(NOT STRATA_PARQUET STREQUAL AUTO)
    message(FATAL_ERROR "STRATA_PARQUET=${STRATA_PARQUET}: no pyarrow ${_pyarrow_version} in ${STRATA_PYARROW_DIR}; "
      "scripts/install.sh --parquet installs it")
  endif()
  message(STATUS "parquet: off: no pyarrow ${_pyarrow_version} in ${STRATA_PYARROW_DIR}")
  return()
endif()
message(STATUS "parquet: on, with Arrow of ${STRATA_PYARROW_DIR}")

add_library(strata_parquet MODULE src/io/parquet/parquet.cpp)
target_include_directories(strata_parquet SYSTEM PRIVATE ${STRATA_PYARROW_DIR}/include)
target_link_libraries(strata_parquet PRIVATE strata strata_flags ${STRATA_PYARROW_DIR}/libparquet.so.${_arrow_soname}
  ${STRATA_PYARROW_DIR}/libarrow.so.${_arrow_soname})
target_link_options(strata_parquet PRIVATE -Wl,--no-undefined)
set_target_properties(strata_parquet PROPERTIES BUILD_RPATH "${STRATA_PYARROW_DIR};${STRATA_RUNPATH}"
  INSTALL_RPATH "$ORIGIN;${STRATA_PYARROW_DIR};${STRATA_RUNPATH}")
install(TARGETS strata_parquet LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} OPTIONAL)

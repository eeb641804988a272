# What computes and talks on NVIDIA's GPUs, as modules of their own, which the library opens where a run asks for them,
# so that those who compute on the CPU load no CUDA library:
#
#   libstrata_cuda.so   Strata's kernels, by nvcc, and what they need of ATen
#   libstrata_nccl.so   collectives over c10d's ProcessGroupNCCL
#
# They need nvcc, and headers of CUDA and NCCL, of the wheel's versions since c10d's structures hold NCCL's;
# scripts/install.sh --cuda puts them beside the wheel, and CUDA's toolkit has them too. No GPU.

set(STRATA_CUDA AUTO CACHE STRING "build libstrata_cuda.so and libstrata_nccl.so: AUTO (where all is there), ON, OFF")
set_property(CACHE STRATA_CUDA PROPERTY STRINGS AUTO ON OFF)
# The architectures of A100, A800 and of H100, H800, H200, rising; PTX of the last serves newer ones.
set(STRATA_CUDA_ARCHITECTURES 80 90 CACHE STRING "compute capabilities that the kernels are compiled for")
# Updates of arenas are computed in vectors or one by one as workers' slices are cut. Their bits must not depend on that,
# so that no compiler may choose which product of a sum it fuses.
set(STRATA_UNFUSED adam.cu ademamix.cu lion.cu muon.cu)
set(_nccl_version 2.28)
set(_cuda_version 13)

# _cuda_lacks(MISSING): what is missing, or nothing.
function(_cuda_lacks result)
  set(${result} "" PARENT_SCOPE)
  if(NOT EXISTS ${STRATA_TORCH_DIR}/lib/libtorch_cuda.so)
    set(${result} "${STRATA_TORCH_DIR} is a wheel without CUDA" PARENT_SCOPE)
    return()
  endif()
  find_program(STRATA_NVCC nvcc HINTS ${_site}/nvidia/cu13/bin /usr/local/cuda/bin)
  find_package(CUDAToolkit QUIET)
  find_path(STRATA_CUDA_INCLUDE crt/host_config.h HINTS ${_site}/nvidia/cu13/include ${CUDAToolkit_INCLUDE_DIRS}
    NO_CMAKE_FIND_ROOT_PATH)
  find_path(STRATA_NCCL_INCLUDE nccl.h HINTS ${_site}/nvidia/nccl/include ${CUDAToolkit_INCLUDE_DIRS})
  mark_as_advanced(STRATA_NVCC STRATA_CUDA_INCLUDE STRATA_NCCL_INCLUDE)
  if(NOT STRATA_NVCC)
    set(${result} "no nvcc" PARENT_SCOPE)
    return()
  endif()
  if(NOT STRATA_CUDA_INCLUDE)
    set(${result} "no CUDA headers (crt/host_config.h)" PARENT_SCOPE)
    return()
  endif()
  file(STRINGS ${STRATA_CUDA_INCLUDE}/cuda.h version REGEX "#define CUDA_VERSION ${_cuda_version}0")
  if(NOT version)
    set(${result} "${STRATA_CUDA_INCLUDE}/cuda.h is not of CUDA ${_cuda_version}" PARENT_SCOPE)
    return()
  endif()
  if(NOT STRATA_NCCL_INCLUDE)
    set(${result} "no nccl.h" PARENT_SCOPE)
    return()
  endif()
  file(STRINGS ${STRATA_NCCL_INCLUDE}/nccl.h version REGEX "#define NCCL_(MAJOR|MINOR) ")
  list(TRANSFORM version REPLACE "[^0-9]" "")
  list(JOIN version "." version)
  if(NOT version STREQUAL _nccl_version)
    set(${result} "${STRATA_NCCL_INCLUDE}/nccl.h is ${version}, not ${_nccl_version}" PARENT_SCOPE)
  endif()
endfunction()

if(STRATA_CUDA STREQUAL OFF)
  message(STATUS "CUDA: off (STRATA_CUDA=OFF)")
  return()
endif()
_cuda_lacks(_missing)
if(_missing)
  if(NOT STRATA_CUDA STREQUAL AUTO)
    message(FATAL_ERROR "STRATA_CUDA=${STRATA_CUDA}: ${_missing}; scripts/install.sh --cuda installs what it needs")
  endif()
  message(STATUS "CUDA: off: ${_missing}")
  return()
endif()
message(STATUS "CUDA: on, with ${STRATA_NVCC} and the headers of ${STRATA_CUDA_INCLUDE} and ${STRATA_NCCL_INCLUDE}")

# strata_cuda_objects(OBJECTS SOURCE...): compiled by nvcc. What ptxas says of each kernel lies beside an object, in
# <object>.ptxas: scripts/kernel_table.py reads it. Not through CMake's CUDA language, which links a program against more
# of CUDA than a wheel has before it believes that nvcc works.
function(strata_cuda_objects result)
  foreach(architecture ${STRATA_CUDA_ARCHITECTURES})
    list(APPEND generate -gencode arch=compute_${architecture},code=sm_${architecture})
  endforeach()
  list(GET STRATA_CUDA_ARCHITECTURES -1 newest)
  list(APPEND generate -gencode arch=compute_${newest},code=compute_${newest})
  foreach(source ${ARGN})
    cmake_path(GET source FILENAME name)
    set(object ${CMAKE_BINARY_DIR}/cuda/${name}.o)
    set(contract)
    if(name IN_LIST STRATA_UNFUSED)
      set(contract -fmad=false)
    endif()
    add_custom_command(OUTPUT ${object} BYPRODUCTS ${object}.ptxas DEPENDS ${source} DEPFILE ${object}.d
      COMMENT "Building CUDA object ${name}.o" VERBATIM
      COMMAND sh -c "\"$@\" 2> ${object}.ptxas || { cat ${object}.ptxas >&2; exit 1; }" -- ${CCACHE} ${STRATA_NVCC}
        -ccbin ${CMAKE_CXX_COMPILER} -std=c++20 -O3 --expt-relaxed-constexpr ${contract} ${generate} -Xptxas -v
        -Xcompiler -fPIC,-Wall,-Wextra -I${STRATA_CUDA_INCLUDE} -I${CMAKE_SOURCE_DIR}/src -I${CMAKE_SOURCE_DIR}/include
        -MD -MF ${object}.d -MT ${object} -c ${source} -o ${object})
    list(APPEND objects ${object})
  endforeach()
  file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/cuda)
  set(${result} ${objects} PARENT_SCOPE)
endfunction()

# strata_cuda_module(NAME SOURCE...): a library that is opened, never linked.
function(strata_cuda_module name)
  add_library(${name} MODULE ${ARGN})
  target_include_directories(${name} PRIVATE src)
  target_include_directories(${name} SYSTEM PRIVATE ${STRATA_NCCL_INCLUDE} ${STRATA_CUDA_INCLUDE})
  target_compile_definitions(${name} PRIVATE USE_C10D_NCCL USE_CUDA)
  target_link_libraries(${name} PRIVATE strata strata_flags ${STRATA_TORCH_DIR}/lib/libtorch_cuda.so
    ${STRATA_TORCH_DIR}/lib/libc10_cuda.so ${_nvidia_lib}/libcudart.so.13)
  target_link_options(${name} PRIVATE -Wl,--no-undefined)
  # A build of other targets than all has none, and can be installed nevertheless.
  install(TARGETS ${name} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} OPTIONAL)
  install(CODE "if(NOT EXISTS \"$<TARGET_FILE:${name}>\")
    message(STATUS \"Not built, not installed: $<TARGET_FILE_NAME:${name}>\")
  endif()")
endfunction()

file(GLOB _kernel_sources CONFIGURE_DEPENDS src/kernels/cuda/*.cu)
strata_cuda_objects(_kernel_objects ${_kernel_sources})
strata_cuda_module(strata_cuda src/kernels/cuda/module/module.cpp ${_kernel_objects})
list(TRANSFORM STRATA_CUDA_ARCHITECTURES PREPEND sm_ OUTPUT_VARIABLE _architectures)
list(JOIN _architectures ", " _architectures)
list(GET STRATA_CUDA_ARCHITECTURES 0 _oldest)
target_compile_definitions(strata_cuda PRIVATE STRATA_CUDA_OLDEST=${_oldest}
  STRATA_CUDA_ARCHITECTURES="${_architectures} and newer")
strata_cuda_module(strata_nccl src/workers/nccl/nccl.cpp)

# cmake --install: the program, its configs, the library, the headers, and a package for find_package(Strata).
include(CMakePackageConfigHelpers)

set(_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/Strata)
install(TARGETS strata strata_libtorch EXPORT StrataTargets)
install(TARGETS strata_start strata_commands)
install(DIRECTORY configs DESTINATION ${CMAKE_INSTALL_DATADIR}/strata)
install(DIRECTORY include/strata DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT StrataTargets NAMESPACE strata:: DESTINATION ${_package_dir})
configure_package_config_file(cmake/StrataConfig.cmake.in ${CMAKE_BINARY_DIR}/StrataConfig.cmake
  INSTALL_DESTINATION ${_package_dir})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/StrataConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/StrataConfig.cmake ${CMAKE_BINARY_DIR}/StrataConfigVersion.cmake
  DESTINATION ${_package_dir})

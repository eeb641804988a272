from strata_lm import main

main()

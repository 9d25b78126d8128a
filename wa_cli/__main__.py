from wa_cli.cli.app import main

main()

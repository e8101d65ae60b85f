# SPDX-License-Identifier: MIT
"""The README's commands that the task prescribes, character by character.

`localhost` means port 80 in them. If the test has to publish another port, curl's configuration file says so.
"""

UP = "docker-compose up --build -d --scale app=2"

PROCESSES = """docker ps --format "table {{.ID}}\\t{{.Names}}\""""

HEALTHY = "curl -XGET 'http://localhost/healthy'"

CREATE = """curl -XPOST 'http://localhost/discount'  \\
    -H 'Content-Type: application/json' \\
    -d '{"brand_id": "IKEA", 
         "discount_code": "Christmas 2020 discount", 
         "total_count": 100}'"""

LIST = "curl -XGET 'http://localhost/discount'"

EXAMPLE_ID = "dsc-_t7rAPfmQbCXyPytq77a6A"

GRANT = """curl -XPOST 'http://localhost/discount/dsc-_t7rAPfmQbCXyPytq77a6A/grant'  \\
    -H 'Content-Type: application/json' \\
    -d '{"user_id": "User 1"}'"""

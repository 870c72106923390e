CREATE TEMPORARY TABLE forbidden_import (number bigint NOT NULL)

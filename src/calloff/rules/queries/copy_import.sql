COPY forbidden_import (number) FROM STDIN

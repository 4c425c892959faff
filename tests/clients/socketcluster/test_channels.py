from tests.clients.socketcluster.conftest import *
import json
def test_x(report_of):
    for k, v in report_of("channels.mjs").items():
        print(k, json.dumps(v))

<?php
// A program as the customers of that service write theirs: queue calls, look at one, call the rest off.
// Usage: php customer.php HOST EMAIL DEVELOPER_KEY APPLICATION_ID DEPLOYMENT_ID ACCEPT
// Prints one JSON object a request: what was asked, the status code and the body.

list(, $host, $email, $developer_key, $application_id, $deployment_id, $accept) = $argv;

function request($name, $method, $url, $fields = null)
{
    global $email, $developer_key, $accept;

    $curl = curl_init($url);
    curl_setopt($curl, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    curl_setopt($curl, CURLOPT_USERPWD, "$email:$developer_key");
    curl_setopt($curl, CURLOPT_HTTPHEADER, array("Accept: $accept"));
    curl_setopt($curl, CURLOPT_RETURNTRANSFER, true);
    curl_setopt($curl, CURLOPT_TIMEOUT, 20);
    if ($method === 'POST') {
        curl_setopt($curl, CURLOPT_POST, true);
        curl_setopt($curl, CURLOPT_POSTFIELDS, $fields);
    } elseif ($method !== 'GET') {
        curl_setopt($curl, CURLOPT_CUSTOMREQUEST, $method);
    }
    $body = curl_exec($curl);
    if ($body === false) {
        fwrite(STDERR, curl_error($curl) . "\n");
        exit(1);
    }
    $code = curl_getinfo($curl, CURLINFO_HTTP_CODE);
    curl_close($curl);
    echo json_encode(array('name' => $name, 'code' => $code, 'body' => $body)), "\n";
    return $body;
}

function value_of($name, $body)
{
    global $accept;
    if ($accept === 'application/xml') {
        return preg_match("~<$name>(.*?)</$name>~s", $body, $match) ? $match[1] : null;
    }
    $result = json_decode($body, true);
    return isset($result['call_details']) ? $result['call_details'][$name] : $result[$name];
}

$deployment = "$host/api/apps/$application_id/$deployment_id";

// An array makes cURL send multipart/form-data, a string application/x-www-form-urlencoded.
$call = array('phone_number' => 'tel:+16175551234;ani=8009957586;postd=2', 'max_attempts' => 2, 'reattempt_wait' => 300);
$now = value_of('call_id', request('queue as an array', 'POST', "$deployment/queue", $call));
$tomorrow = array('phone_number' => '6175551234', 'start_timestamp' => time() + 86400, 'end_timestamp' => time() + 90000);
$later = value_of('call_id', request('queue as a string', 'POST', "$deployment/queue", http_build_query($tomorrow)));

for ($tries = 0; $tries < 200; $tries++) {
    $body = request('status', 'GET', "$host/api/outbound/$now");
    if (value_of('status', $body) === 'completed') {
        break;
    }
    usleep(50000);
}
request('cancel', 'DELETE', "$deployment/cancel");
request('status of the canceled call', 'GET', "$host/api/outbound/$later");
request('queue without a number', 'POST', "$deployment/queue", array('max_attempts' => 1));
$developer_key = 'wrong';
request('cancel with a wrong key', 'DELETE', "$deployment/cancel");

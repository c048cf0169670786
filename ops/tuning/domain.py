"""Domain: the custom domain of an environment, and the base path of each stage on it."""

from ops.aws import none_on
from ops.tuning.api import replaced
from ops.tuning.handling import Handler, Properties, Target, only

_MISSING = "NotFoundException"


def _make_domain(target: Target, _: str, properties: Properties) -> None:
    only("EndpointConfiguration", properties["EndpointConfiguration"], "Types")
    gateway, name = target.client("apigateway"), properties["DomainName"]
    if none_on(_MISSING, gateway.get_domain_name, domainName=name) is None:
        gateway.create_domain_name(
            domainName=name,
            regionalCertificateArn=properties["RegionalCertificateArn"],
            endpointConfiguration={"types": properties["EndpointConfiguration"]["Types"]},
            securityPolicy=properties["SecurityPolicy"],
        )
        return
    gateway.update_domain_name(
        domainName=name,
        patchOperations=[
            replaced("/regionalCertificateArn", properties["RegionalCertificateArn"]),
            replaced("/securityPolicy", properties["SecurityPolicy"]),
        ],
    )


def _delete_domain(target: Target, _: str, properties: Properties) -> None:
    gateway = target.client("apigateway")
    none_on(_MISSING, gateway.delete_domain_name, domainName=properties["DomainName"])


def _map(target: Target, _: str, properties: Properties) -> None:
    gateway = target.client("apigateway")
    path = {"domainName": properties["DomainName"], "basePath": properties["BasePath"]}
    wanted = {"restApiId": properties["RestApiId"], "stage": properties["Stage"]}
    live = none_on(_MISSING, gateway.get_base_path_mapping, **path)
    if live is not None and live["restApiId"] != wanted["restApiId"]:
        # The API was deployed again and has a new id.
        gateway.delete_base_path_mapping(**path)
        live = None
    if live is None:
        gateway.create_base_path_mapping(**path, **wanted)


def _unmap(target: Target, _: str, properties: Properties) -> None:
    delete = target.client("apigateway").delete_base_path_mapping
    path = {"domainName": properties["DomainName"], "basePath": properties["BasePath"]}
    none_on(_MISSING, delete, **path)


DOMAIN = Handler(
    "DomainName RegionalCertificateArn EndpointConfiguration SecurityPolicy",
    _make_domain,
    _delete_domain,
)
MAPPING = Handler("DomainName BasePath RestApiId Stage", _map, _unmap)

"""Which actions of IAM can be limited to resources, and which only read.

The facts are those of https://docs.aws.amazon.com/service-authorization/latest/reference/ of November 2026, in lower
case, with `*` for any end. Services that are not listed count as unknown.
"""

from functools import cache

from policy.conditions import is_wild, matches

_READING = (
    *(
        "get",
        "list",
        "describe",
        "batchget",
        "batchdescribe",
        "batchcheck",
        "search",
        "query",
        "scan",
        "lookup",
        "head",
    ),
    *("view", "select", "simulate", "check", "estimate", "filter", "detect", "preview", "validate", "read"),
    *(
        "invokemodel",
        "invokeendpoint",
        "invokeagent",
        "invokeflow",
        "eshttpget",
        "eshttphead",
        "startquery",
        "startlivetail",
        "receivemessage",
        "download",
    ),
    *("partiqlselect", "conditioncheck", "applyguardrail", "accesskubernetesapi", "clientmount", "gitpull"),
)
"""How actions begin that change nothing."""


@cache
def is_limitable(action: str) -> bool:
    """Whether an action, or what a pattern of actions is about, can be limited to resources; unknown ones cannot."""
    service, _, name = action.partition(":")
    if service not in _UNLIMITED:
        return bool(name) and not name.strip("*")
    return not any(matches(pattern, name) for pattern in _UNLIMITED[service].split())


@cache
def is_reading(action: str) -> bool:
    """Whether an action, or all that a pattern is about, changes nothing."""
    name = action.partition(":")[2]
    beginning = name.split("*")[0].split("?")[0]
    return beginning.startswith(_READING) or (is_wild(name) and beginning in ("g", "ge", "l", "li", "lis"))


_UNLIMITED = {
    "access-analyzer": (
        "cancelpolicygeneration check* getgeneratedpolicy listanalyzers listpolicygenerations startpolicygeneration "
        "validatepolicy"
    ),
    "acm": "getaccountconfiguration listcertificates putaccountconfiguration requestcertificate",
    "acm-pca": "createcertificateauthority listcertificateauthorities",
    "aoss": (
        "batchget* create* deleteaccesspolicy deletelifecyclepolicy deletesecurity* deletevpcendpoint get* list* "
        "tagresource untagresource updateacc* updatelifecyclepolicy updatesecurity* updatevpcendpoint"
    ),
    "apigateway": "",
    "appconfig": (
        "createapplication createdeploymentstrategy createextension* getaccountsettings listapplications "
        "listdeploymentstrategies listextension* updateaccountsettings"
    ),
    "application-autoscaling": "describesc* getpredictivescalingforecast",
    "appsync": (
        "createapi* created* createfunction creategraphqlapi createresolver createtype deleteapicache deleteapikey "
        "deletedatasource deletefunction deletereso* deletetype evaluate* flushapicache getapicache getdatasource* "
        "getfunction getgraphqlapienvironmentvariables getintrospectionschema getreso* getschemacreationstatus "
        "gettype listapi* listd* listfunctions listgraphqlapis listresolvers* listsourceapiassociations listtypes* "
        "put* setwebacl startdatasourceintrospection startschemacreation updateapicache updateapikey "
        "updatedatasource updatefunction updateresolver updatetype"
    ),
    "aps": "createworkspace getdefaultscraperconfiguration listscrapers listworkspaces",
    "athena": (
        "getcatalogs getexecutionengine* getnamespace* getqueryexecutions gettable gettables "
        "listapplicationdpusizes listcapacityreservations listdatacatalogs liste* listworkgroups runquery"
    ),
    "autoscaling": "describe* getpredictivescalingforecast",
    "backup": (
        "describebackupjob describecopyjob describeglobalsettings describeprotectedresource describeregionsettings "
        "describereportjob describerestorejob exportbackupplantemplate getbackupplanfrom* getrestorejobmetadata "
        "getrestoretestinginferredmetadata getsupportedresourcetypes listbackupjobs* listbackupplans "
        "listbackupplantemplates listbackupvaults listcopyjobs* listframeworks listlegalholds "
        "listprotectedresources listrecoverypointsbyresource listreport* listrestorejobs* listrestoretestingplans "
        "putrestorevalidationresult stopbackupjob updateglobalsettings updateregionsettings"
    ),
    "batch": "describe* listjobs listschedulingpolicies",
    "bedrock": (
        "associatethirdpartyknowledgebase createagent createflow createfoundationmodelagreement createguardrail "
        "createknowledgebase createmodelimportjob createprompt deletefoundationmodelagreement "
        "deletemodelinvocationloggingconfiguration getfoundationmodelavailability "
        "getmodelinvocationloggingconfiguration getusecaseformodelaccess invokebuilder invokeinlineagent listagents "
        "listcustommodels listevaluationjobs listflows listfoundationmodel* listimportedmodels "
        "listinferenceprofiles listknowledgebases listmodel* listprovisionedmodelthroughputs "
        "putfoundationmodelentitlement putmodelinvocationloggingconfiguration putusecaseformodelaccess "
        "retrieveandgenerate validateflowdefinition"
    ),
    "budgets": "describebudgetactionsforaccount",
    "cloudformation": (
        "activate* batchdescribetypeconfigurations cancelresourcerequest creategeneratedtemplate createresource "
        "createstackset createuploadbucket deactivate* deletegeneratedtemplate deleteresource deregistertype "
        "describeaccountlimits describegeneratedtemplate describeorganizationsaccess describepublisher "
        "describeresourcescan describestackdriftdetectionstatus describetype* estimatetemplatecost "
        "getgeneratedtemplate getresource* listexports listgeneratedtemplates listimports listresource* liststacks "
        "liststacksets listtype* publishtype register* settype* startresourcescan testtype updategeneratedtemplate "
        "updateresource validatetemplate"
    ),
    "cloudfront": (
        "createfieldlevelencryption* createkeygroup createmonitoringsubscription createoriginaccesscontrol "
        "createpublickey createsavingsplan createvpcorigin deletekeygroup deletemonitoringsubscription "
        "deletepublickey getkeygroup* getmonitoringsubscription getpublickey* getsavingsplan listanycastiplists "
        "listcachepolicies listcloudfrontoriginaccessidentities listcontinuousdeploymentpolicies listdistributions* "
        "listf* listkey* listorigin* listpublickeys listr* lists* listusages listvpcorigins "
        "updatefieldlevelencryptionconfig updatekeygroup updatepublickey updatesavingsplan"
    ),
    "cloudtrail": (
        "deregisterorganizationdelegatedadmin describetrails getimport listchannels listdashboards "
        "listeventdatastores listimport* listpublickeys listservicelinkedchannels listtrails lookupevents "
        "registerorganizationdelegatedadmin startimport stopimport"
    ),
    "cloudwatch": (
        "batchgetservicelevelindicatorreport createservicelevelobjective deleteanomalydetector "
        "describealarmsformetric describeanomalydetectors describeinsightrules enabletopologydiscovery "
        "generatequery getmetricdata getmetricstatistics getmetricwidgetimage gettopology* link listdashboards "
        "listentitiesformetric listm* listservice* putanomalydetector putmanagedinsightrules putmetricdata"
    ),
    "codeartifact": "create* listdomains listrepositories",
    "codebuild": (
        "deleteoauthtoken deletesourcecredentials importsourcecredentials listbuildbatches listbuilds listc* "
        "listfleets listprojects listreportgroups listreports listrepositories lists* persistoauthtoken"
    ),
    "codecommit": (
        "createapprovalruletemplate deleteapprovalruletemplate getapprovalruletemplate listapprovalruletemplates "
        "listrepositories* updateapprovalruletemplate*"
    ),
    "codedeploy": (
        "batchgetdeploymenttargets continuedeployment createcloudformationdeployment deletegithubaccounttoken "
        "deleteresourcesbyexternalid getdeploymenttarget listapplications listdeploymentconfigs "
        "listdeploymenttargets listgithubaccounttokennames listonpremisesinstances "
        "putlifecycleeventhookexecutionstatus skipwaittimeforinstancetermination stopdeployment"
    ),
    "codepipeline": (
        "acknowledge* getactiontype getjobdetails getthirdpartyjobdetails listactiontypes listpipelines "
        "listruletypes pollforthirdpartyjobs putjob* putthirdpartyjob*"
    ),
    "cognito-identity": (
        "createidentitypool deleteidentities describeidentity getcredentialsforidentity getid getopenidtoken "
        "listidentitypools set* unlinkidentity"
    ),
    "cognito-idp": (
        "associatesoftwaretoken changepassword confirm* createuserpool deleteuser deleteuserattributes "
        "describeuserpooldomain forg* getdevice getuser getuserattributeverificationcode globalsignout initiateauth "
        "listdevices listuserpools res* revoketoken setusermfapreference setusersettings signup updatedevicestatus "
        "updateuserattributes verify*"
    ),
    "config": (
        "batchgetresourceconfig deleteconfigurationrecorder deletedeliverychannel deletependingaggregationrequest "
        "deleteremediationexceptions deleteresourceconfig deleteretentionconfiguration deliverconfigsnapshot "
        "describeaggregationauthorizations describecomplianceby* describeconfigrule* "
        "describeconfigurationaggregators describeconfigurationrecorders* describeconformancepacks "
        "describeconformancepackstatus describedeliverychannels* describeorganizationconf* "
        "describependingaggregationrequests describeremediationexceptions describeretentionconfigurations "
        "getcompliancedetailsbyresource getcompliancesummaryby* getdiscoveredresourcecounts getresource* "
        "listconformancepackcompliancescores listdiscoveredresources listresourceevaluations liststoredqueries "
        "putconfigurationrecorder putdeliverychannel putevaluations putremediationexceptions putresourceconfig "
        "putretentionconfiguration selectresourceconfig startconfigurationrecorder startre* "
        "stopconfigurationrecorder"
    ),
    "dms": (
        "batchstartrecommendations createdataprovider createe* createfleetadvisorcollector createinstanceprofile "
        "createreplicationinstance createreplicationsubnetgroup deletefleetadvisor* describeaccountattributes "
        "describecertificates describeconnections describedatamigrations describeen* describeevent* "
        "describefleetadvisor* describeorderablereplicationinstances describependingmaintenanceactions "
        "describerecommendation* describereplicationconfigs describereplicationinstances describereplications "
        "describereplicationsubnetgroups describereplicationtasks importcertificate modifyeventsubscription "
        "modifyfleetadvisorcollector* modifyreplicationsubnetgroup runfleetadvisorlsaanalysis startrecommendations "
        "updatesubscriptionstoeventbridge uploadfilemetadatalist"
    ),
    "dynamodb": (
        "describeendpoints describelimits describereservedcapacity* getabacstatus listbackups "
        "listcontributorinsights listexports listglobaltables listimports liststreams listtables "
        "purchasereservedcapacityofferings updateabacstatus"
    ),
    "ec2": (
        "acceptreservedinstancesexchangequote advertisebyoipcidr associateipambyoasn associatetrunkinterface "
        "bundleinstance cancelbundletask cancelconversiontask cancelreservedinstanceslisting confirmproductinstance "
        "createdefault* createreservedinstanceslisting createspotdatafeedsubscription createsubnetcidrreservation "
        "deletequeuedreservedinstances deletespotdatafeedsubscription deletesubnetcidrreservation "
        "deprovisionbyoipcidr deregisterinstanceeventnotificationattributes describea* describeb* describeca* "
        "describeclassiclinkinstances describeco* describecustomergateways describedhcpoptions describee* "
        "describefast* describefleets describeflowlogs describefpgaimages describehost* "
        "describeiaminstanceprofileassociations describeid* describeimages describeimport* describeinstancec* "
        "describeinstanceevent* describeinstanceimagemetadata describeinstances describeinstancestatus "
        "describeinstancet* describeinternetgateways describeip* describekeypairs describel* describem* describen* "
        "describep* describer* describescheduledinstance* describesecuritygrouprules describesecuritygroups "
        "describesecuritygroupvpcassociations describesnapshots describesnapshottierstatus "
        "describespotdatafeedsubscription describespotfleetrequests describespotinstancerequests "
        "describespotpricehistory describest* describesubnets describet* describeverifiedaccess* describevolumes "
        "describevolumes* describevpcclassiclink* describevpcendpointconnection* describevpcendpoints "
        "describevpcendpointserviceconfigurations describevpcendpointservices describevpcpeeringconnections "
        "describevpcs describevpn* disableawsnetworkperformancemetricsubscription disableebsencryptionbydefault "
        "disableimageblockpublicaccess disableipamorganizationadminaccount disables* disassociateipambyoasn "
        "disassociatetrunkinterface enableawsnetworkperformancemetricsubscription enableebsencryptionbydefault "
        "enableimageblockpublicaccess enableipamorganizationadminaccount "
        "enablereachabilityanalyzerorganizationsharing enables* exporttransitgatewayroutes "
        "getassociatedipv6poolcidrs getawsnetworkperformancedata getdefaultcreditspecification getebs* "
        "gethostreservationpurchasepreview getimageblockpublicaccessstate getinstancemetadatadefaults "
        "getinstancetypesfrominstancerequirements getreservedinstancesexchangequote getserialconsoleaccessstatus "
        "getsnapshotblockpublicaccessstate getspotplacementscores getsubnetcidrreservations "
        "gettransitgatewayattachmentpropagations gettransitgatewayprefixlistreferences gettransitgatewayroutetable* "
        "getvpnconnectiondevicetypes injectapierror list* modifyavailabilityzonegroup "
        "modifydefaultcreditspecification modifyebsdefaultkmskeyid modifyid* modifyinstancemetadatadefaults "
        "moveaddresstovpc provisionbyoipcidr purchasereservedinstancesoffering purchasescheduledinstances "
        "registerinstanceeventnotificationattributes reportinstancestatus resetebsdefaultkmskeyid "
        "restoreaddresstoclassic runscheduledinstances withdrawbyoipcidr"
    ),
    "ec2messages": "*",
    "ecr": (
        "batchimportupstreamimage createpullthroughcacherule createrepositorycreationtemplate "
        "deletepullthroughcacherule deleteregistrypolicy deleterepositorycreationtemplate "
        "describepullthroughcacherules describeregistry describerepositorycreationtemplates geta* getregistry* "
        "putaccountsetting putre* update* validatepullthroughcacherule"
    ),
    "ecs": (
        "createcapacityprovider createtaskset deleteaccountsetting deregistertaskdefinition describetaskdefinition "
        "discoverpollendpoint listaccountsettings listclusters listservices listservicesbynamespace "
        "listtaskdefinition* putaccountsetting* registertaskdefinition"
    ),
    "eks": (
        "createcluster createeksanywheresubscription describeaddonconfiguration describeaddonversions "
        "listaccesspolicies listclusters listeksanywheresubscriptions registercluster"
    ),
    "eks-auth": "",
    "elasticache": (
        "describecacheengineversions describee* describereservedcachenodesofferings describeserviceupdates"
    ),
    "elasticfilesystem": "createfilesystem describeaccountpreferences putaccountpreferences",
    "elasticloadbalancing": "describe* setwebacl",
    "elasticmapreduce": (
        "createrepository createsecurityconfiguration createstudio deleterepository deletesecurityconfiguration "
        "describere* describesecurityconfiguration getblockpublicaccessconfiguration linkrepository listclusters "
        "listeditors listnotebookexecutions listre* listsecurityconfigurations liststudios* "
        "listsupportedinstancetypes putblockpublicaccessconfiguration runjobflow unlinkrepository updaterepository "
        "vieweventsfromallclustersinconsole"
    ),
    "es": (
        "acceptinboundc* authorizevpcendpointaccess createapplication createelasticsearchservicerole createpackage "
        "createservicerole createvpcendpoint deleteelasticsearchservicerole deleteinboundc* deleteoutboundc* "
        "deletepackage deletevpcendpoint describeelasticsearchinstancetypelimits describein* describeoutboundc* "
        "describepackages describereserved* describevpcendpoints getpackageversionhistory listdomainnames "
        "listdomainsforpackage listelasticsearch* listinstancetypedetails listv* purchasereserved* rejectinboundc* "
        "revokevpcendpointaccess updatepackage* updatevpcendpoint"
    ),
    "events": "lista* listconnections liste* listpartnereventsources listr* putp* removepermission testeventpattern",
    "firehose": "listdeliverystreams",
    "glacier": (
        "getdataretrievalpolicy listprovisionedcapacity listvaults purchaseprovisionedcapacity setdataretrievalpolicy"
    ),
    "glue": (
        "batchgetcustomentitytypes batchgetstagefiles checkschemaversionvalidity createclassifier createcrawler "
        "createcustomentitytype createdataqualityruleset createdevendpoint createinboundintegration "
        "createmltransform createscript createsecurityconfiguration deleteclassifier deletecustomentitytype "
        "deletesecurityconfiguration deregisterdatapreview describeconnectiontype describeinboundintegrations "
        "getclassifier* getcolumnstatisticstask* getcrawlermetrics getcrawlers getcustomentitytype getdataflowgraph "
        "getdatapreviewstatement getdevendpoints getenvironment getexecutors* getgeneratedcode getjobbookmark "
        "getjobs getlogparsingstatus getmapping getnotebookinstancestatus getplan getquer* getrecipeaction "
        "getsecurityconfiguration* getstage* getstorage* gettriggers gluenotebook* listblueprints listc* "
        "listdevendpoints listjobs listregistries listsessions listtriggers listusageprofiles listworkflows "
        "requestlogparsing resetjobbookmark rundatapreviewstatement send* startcompletion startcrawlerschedule "
        "startnotebook stopcrawlerschedule terminatenotebook testconnection updateclassifier updatecrawlerschedule "
        "usegluestudio"
    ),
    "guardduty": (
        "accept* archivefindings createdetector createipset createm* createpublishingdestination "
        "createsamplefindings createthreatintelset declineinvitations deleteinvitations deletemembers "
        "describemalwarescans describeorganizationconfiguration disa* enableorganizationadminaccount "
        "getadministratoraccount getfindings* getinvitationscount getmalwarescansettings getmasteraccount "
        "getmember* getorganizationstatistics getremainingfreetrialdays getusagestatistics invitemembers "
        "listdetectors listfi* listi* listm* listorganizationadminaccounts listpublishingdestinations "
        "listthreatintelsets sendsecuritytelemetry startm* stopmonitoringmembers unarchivefindings "
        "updatefindingsfeedback updatemalwarescansettings updatememberdetectors updateorganizationconfiguration"
    ),
    "iam": (
        "createaccountalias deleteaccount* deletecloudfrontpublickey disableorganizationsroot* "
        "enableorganizationsroot* generatecredentialreport getaccount* getcloudfrontpublickey "
        "getcontextkeysforcustompolicy getcredentialreport getorganizationsaccessreport "
        "getservicelastaccesseddetails* listaccountaliases listcloudfrontpublickeys listgroups listinstanceprofiles "
        "listopenidconnectproviders listorganizationsfeatures listpolicies listroles listsamlproviders "
        "listservercertificates liststsregionalendpointsstatus listusers listvirtualmfadevices sets* "
        "simulatecustompolicy updateaccount* updatecloudfrontpublickey uploadcloudfrontpublickey"
    ),
    "identitystore": "",
    "inspector2": (
        "associatemember batch* cancel* createfindingsreport createsbomexport describeorganizationconfiguration "
        "disa* enable* get* list* resetencryptionkey searchvulnerabilities sendcissession* startcissession "
        "stopcissession updateconfiguration updatee* updateorg*"
    ),
    "kafka": (
        "describeclusteroperation* getbootstrapbrokers getcompatiblekafkaversions listclusters listclustersv2 "
        "listconfigurations listkafkaversions listreplicators listvpcconnections"
    ),
    "kinesis": "describelimits disableenhancedmonitoring enableenhancedmonitoring liststreams updates*",
    "kms": (
        "connectcustomkeystore createcustomkeystore createkey deletecustomkeystore describecustomkeystores "
        "disconnectcustomkeystore generaterandom listaliases listkeys listretirablegrants updatecustomkeystore"
    ),
    "lambda": (
        "createcodesigningconfig createeventsourcemapping getaccountsettings listcodesigningconfigs "
        "listeventsourcemappings listfunctions listlayer*"
    ),
    "logs": (
        "cancelexporttask createlogdelivery deleteaccountpolicy deleteindexpolicy deletelogdelivery "
        "deletequerydefinition deleteresourcepolicy describeaccountpolicies describeconfigurationtemplates "
        "describede* describeexporttasks describefieldindexes describeindexpolicies describeloggroups describequer* "
        "describeresourcepolicies getlogdelivery link listentitiesforloggroup listlogdeliveries listloggroupsfor* "
        "putaccountpolicy putindexpolicy putquerydefinition putresourcepolicy stop* test* updatelogdelivery"
    ),
    "memorydb": (
        "createparametergroup createsubnetgroup createuser describee* describereservednodesofferings "
        "describeserviceupdates"
    ),
    "mq": (
        "createbroker createconfiguration describebrokerenginetypes describebrokerinstanceoptions listbrokers "
        "listconfigurations"
    ),
    "network-firewall": "listrulegroups",
    "organizations": (
        "createaccount creategovcloudaccount createorganization createpolicy deleteorganization "
        "deleteresourcepolicy describecreateaccountstatus describeorganization describeresourcepolicy "
        "disableawsserviceaccess enablea* leaveorganization listaccounts listawsserviceaccessfororganization "
        "listcreateaccountstatus listdelegatedadministrators listhandshakesfor* listpolicies listroots"
    ),
    "pipes": "listpipes",
    "ram": (
        "createpermission createresourceshare enablesharingwithawsorganization getresource* listpermissions "
        "listpermissionversions listprincipals listreplacepermissionassociationswork listresources "
        "listresourcetypes"
    ),
    "rds": (
        "cancelexporttask createdbproxy crossregioncommunication describeaccountattributes describecertificates "
        "describedbengineversions describedbrecommendations describeenginedefault* describeeventcategories "
        "describeevents describeoptiongroupoptions describeorderabledbinstanceoptions describerecommendation* "
        "describereserveddbinstancesofferings describesourceregions modifycertificates modifydbrecommendation "
        "modifyrecommendation"
    ),
    "rds-data": "",
    "rds-db": "",
    "redshift": (
        "acceptreservednodeexchange addpartner authorizeendpointaccess cancelquery* createauthenticationprofile "
        "createendpointaccess createinboundintegration createqev2idcapplication createredshiftidcapplication "
        "createsavedquery createscheduledaction deleteauthenticationprofile deleteendpointaccess deletepartner "
        "deletesavedqueries deletescheduledaction describea* describeclusterdbrevisions "
        "describeclusterparametergroups describeclusters describeclusters* describeclustertracks "
        "describeclusterversions describecustomdomainassociations described* describee* describehsmc* "
        "describeinboundintegrations describenodeconfigurationoptions describeorderableclusteroptions "
        "describepartners describeq* describeredshiftidcapplications describereservednode* describesavedqueries "
        "describescheduledactions describesnapshotcopygrants describestorage describetable* executequery "
        "fetchresults getreservednodeexchange* list* modifyauthenticationprofile modifyclustermaintenance "
        "modifyendpointaccess modifysavedquery modifyscheduledaction purchasereservednodeoffering "
        "revokeendpointaccess updatepartnerstatus viewqueries*"
    ),
    "redshift-serverless": (
        "createusagelimit deleteresourcepolicy deletescheduledaction deletesnapshotcopyconfiguration "
        "deleteusagelimit describeonetimecredit getresourcepolicy getscheduledaction gettablerestorestatus "
        "getusagelimit listcustomdomainassociations listnamespaces listscheduledactions listtablerestorestatus "
        "listusagelimits listworkgroups putresourcepolicy updatescheduledaction updatesnapshotcopyconfiguration "
        "updateusagelimit"
    ),
    "rolesanywhere": "create* importcrl list*",
    "route53": (
        "createcidrcollection createh* createreusabledelegationset createtrafficpolicy getaccountlimit "
        "getcheckeripranges getgeolocation gethealthcheckcount gethostedzonecount gettrafficpolicyinstancecount "
        "listcidrcollections listgeolocations listh* listreusabledelegationsets listtrafficpolicies "
        "listtrafficpolicyinstances testdnsanswer"
    ),
    "s3": (
        "createjob createstoragelensgroup getaccesspoint getaccountpublicaccessblock listaccessgrantsinstances "
        "listaccesspoints* listallmybuckets listjobs listmultiregionaccesspoints liststoragelens* "
        "putaccesspointpublicaccessblock putaccountpublicaccessblock putstoragelensconfiguration"
    ),
    "sagemaker": (
        "createlineagegrouppolicy deletelineagegrouppolicy deleteresourcepolicy describelineagegroup "
        "disablesagemakerservicecatalogportfolio enablesagemakerservicecatalogportfolio getlineagegrouppolicy "
        "getresourcepolicy getsagemakerservicecatalogportfoliostatus getsearchsuggestions listactions "
        "listalgorithms listapp* listartifacts listassociations listautomljobs listcandidatesforautomljob "
        "listclusters listco* listd* liste* listf* listhubs listhuman* listhyperparametertuningjobs listimages "
        "listinference* listlabelingjobs listlineagegroups listmlflowtrackingservers listmodelbiasjobdefinitions "
        "listmodelcards listmodelexplainabilityjobdefinitions listmodelmetadata listmodelpackagegroups "
        "listmodelqualityjobdefinitions listmodels listmonitoring* listnotebookinstance* listoptimizationjobs "
        "listpartnerapps listpipelines listpro* listresourcecatalogs listsharedmodelevents listsharedmodels "
        "listspaces listst* listsubscribedworkteams listtrainingjobs listtransformjobs listtrial* listuserprofiles "
        "listwork* putlineagegrouppolicy putresourcepolicy querylineage renderuitemplate search"
    ),
    "scheduler": "listschedule*",
    "secretsmanager": "batchgetsecretvalue getrandompassword listsecrets",
    "securityhub": (
        "batchgetconfigurationpolicyassociations batchgets* batchupdatestandardscontrolassociations "
        "createautomationrule createconfigurationpolicy createfindingaggregator getconfigurationpolicyassociation "
        "getsecuritycontroldefinition listautomationrules listconfigurationpolic* listfindingaggregators lists* "
        "updatesecuritycontrol"
    ),
    "servicediscovery": (
        "createhttpnamespace createp* discoverinstances* getinstance* getoperation list* tagresource untagresource "
        "updateinstancecustomhealthstatus"
    ),
    "ses": (
        "clonereceiptruleset createa* createconfigurationsettrackingoptions createexportjob createi* creater* "
        "createt* deleteconfigurationsettrackingoptions deleteidentity* deletereceipt* deletesuppresseddestination "
        "deletetemplate deleteverifiedemailaddress describe* getaccount* getblacklistreports getdedicatedip "
        "getdeliverabilitydashboardoptions getdomaindeliverabilitycampaign getidentity* getmessageinsights gets* "
        "gettemplate lista* listconfigurationsets listcontactlists listcustomverificationemailtemplates listd* "
        "liste* listi* listreceipt* listrelays listrulesets listsuppresseddestinations listtemplates "
        "listtrafficpolicies listverifiedemailaddresses putaccount* putdedicatedipwarmupattributes "
        "putdeliverabilitydashboardoption putidentitypolicy putsuppresseddestination reorderreceiptruleset set* "
        "testrendertemplate updateaccountsendingenabled updateconfigurationsetreputationmetricsenabled "
        "updateconfigurationsetsendingenabled updateconfigurationsettrackingoptions updatereceiptrule "
        "updatetemplate verify*"
    ),
    "sns": (
        "checkifphonenumberisoptedout createplatform* createsmssandboxphonenumber deleteendpoint "
        "deleteplatformapplication deletesmssandboxphonenumber getendpointattributes "
        "getplatformapplicationattributes gets* listendpointsbyplatformapplication listoriginationnumbers listp* "
        "listsmssandboxphonenumbers listsubscriptions listtopics optinphonenumber setendpointattributes "
        "setplatformapplicationattributes sets* unsubscribe verifysmssandboxphonenumber"
    ),
    "sqs": "listqueues",
    "ssm": (
        "cancelcommand createactivation createmaintenancewindow createops* createpatchbaseline deleteactivation "
        "deleteinventory describeactivations describeautomationexecutions describeavailablepatches "
        "describeinstanceinformation describeinstancepatchstatesforpatchgroup describeinstanceproperties "
        "describeinventorydeletions describemaintenancewindowexecutiontask* describemaintenancewindows "
        "describemaintenancewindows* describeopsitems describepa* describesessions executeapi getcommandinvocation "
        "getdeployablepatchsnapshotforinstance getexecutionpreview getinventory* getmaintenancewindowexecution* "
        "getmanifest getpatchbaselineforpatchgroup listassociations listcom* listdocuments listinventoryentries "
        "listops* listresource* putconfigurepackageresult putinventory registermanagedinstance "
        "startexecutionpreview"
    ),
    "ssmmessages": "*",
    "sso": (
        "associate* createapplicationinstance* createmanagedapplicationinstance createprofile createtrust "
        "deleteapplicationinstance* deletemanagedapplicationinstance deletepermissionspolicy deleteprofile "
        "describedirectories describepermissionspolicies describeregisteredregions describetrusts disassociate* "
        "getapplicationinstance getapplicationtemplate getm* getpermissionset getpermissionspolicy getprofile gets* "
        "gettrust importapplicationinstanceserviceprovidermetadata listapplicationinstance* listapplications "
        "listapplicationtemplates listdirectoryassociations listinstances listprofile* "
        "putmfadevicemanagementfordirectory putpermissionspolicy search* startsso updateapplicationinstance* "
        "updatedirectoryassociation updatemanagedapplicationinstancestatus updateprofile updatessoconfiguration "
        "updatetrust"
    ),
    "states": (
        "invokehttpendpoint listactivities liststatemachines revealsecrets sendtask* teststate "
        "validatestatemachinedefinition"
    ),
    "sts": "decodeauthorizationmessage getaccesskeyinfo getcalleridentity getse*",
    "synthetics": "create* describe* listgroups",
    "tag": "*",
    "transfer": (
        "createconnector createprofile createserver createworkflow describesecuritypolicy importcertificate listc* "
        "listprofiles listse* listworkflows updateaccess"
    ),
    "vpc-lattice": (
        "listaccesslogsubscriptions listlisteners listrules listservice* listtagsforresource listtargetgroups"
    ),
    "wafv2": (
        "checkcapacity createapikey deleteapikey describe* generatemobilesdkreleaseurl getdecryptedapikey "
        "getmobilesdkrelease lista* listipsets listloggingconfigurations listm* listregexpatternsets listrulegroups "
        "listwebacls"
    ),
    "xray": (
        "batchgettraces* canceltraceretrieval deleteresourcepolicy getdistincttracegraphs getencryptionconfig "
        "getgroups getin* getretrievedtracesgraph gets* gett* link listre* put* starttraceretrieval "
        "updateindexingrule updatetracesegmentdestination"
    ),
}
"""By service, the actions that apply to `*` alone."""
